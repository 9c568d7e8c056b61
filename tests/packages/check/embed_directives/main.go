package main

import _ "embed"

//go:embed
var a string

//go:embed "hello.txt
var b string

//go:embed "hello.txt"x
var c string

//go:embed `hello.txt
var d string

//go:embed hello.txt
var (
	e string
)

var f string //go:embed hello.txt

//go:embedded hello.txt
var g string

func main() {
	//go:embed hello.txt
	println(a, b, c, d)

	//go:embed hello.txt
}

//go:embed hello.txt
