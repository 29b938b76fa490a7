package diagram

var catalogue []entry
