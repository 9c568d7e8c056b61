package main

//go:embed hello.txt
var other string

//go:embed nothing
var other2 string
