package directory

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

// A copy has nothing in common with what it was made of, in any of its fields, so whoever gets one may change it.
func TestClones(t *testing.T) {
	check := func(original, clone any) {
		if !reflect.DeepEqual(original, clone) {
			t.Errorf("%T: the copy of %+v is %+v", original, original, clone)
		}
		apart(t, fmt.Sprintf("%T", original), reflect.ValueOf(original), reflect.ValueOf(clone))
	}
	var u User
	fill(reflect.ValueOf(&u).Elem())
	check(u, u.clone())
	var c Client
	fill(reflect.ValueOf(&c).Elem())
	check(c, c.clone())
	var a Consent
	fill(reflect.ValueOf(&a).Elem())
	check(a, a.clone())
	check(User{}, User{}.clone())
	check(Client{}, Client{}.clone())
	check(Consent{}, Consent{}.clone())
}

// fill gives every field something.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1, 0)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0))
		fill(v.Index(1))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(1)
	default:
		panic("nobody said how to fill a " + v.Type().String())
	}
}

// apart fails for memory that both values point to.
func apart(t *testing.T, what string, a, b reflect.Value) {
	t.Helper()
	switch a.Kind() {
	case reflect.Struct:
		if a.Type() == reflect.TypeFor[time.Time]() {
			return // never changed
		}
		for i := range a.NumField() {
			apart(t, what+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
		}
	case reflect.Slice:
		if a.Len() > 0 && a.Pointer() == b.Pointer() {
			t.Errorf("%s is shared", what)
		}
		for i := range a.Len() {
			apart(t, fmt.Sprint(what, "[", i, "]"), a.Index(i), b.Index(i))
		}
	case reflect.Map:
		if a.Len() > 0 && a.Pointer() == b.Pointer() {
			t.Errorf("%s is shared", what)
		}
		for _, key := range a.MapKeys() {
			apart(t, fmt.Sprint(what, "[", key, "]"), a.MapIndex(key), b.MapIndex(key))
		}
	}
}
