// Package web is what the functions' HTTP sides share: the page layout with its stylesheet, response headers,
// JSON answers, request logging with a correlation id. It knows no route and no rule of OAuth.
package web
