package main

import (
	"embed"
	"fmt"
)

//go:embed hello.txt main.go
var a string

//go:embed *
var b []byte

type octets []byte

//go:embed hello.txt
//go:embed main.go
var c octets

//go:embed hello.txt
var d int

//go:embed hello.txt
var e [4]byte

//go:embed hello.txt
var f *embed.FS

type files embed.FS

//go:embed hello.txt
var g files

type alias = embed.FS

//go:embed hello.txt
var h alias

//go:embed hello.txt
var i fmt.Stringer

type octet byte

//go:embed hello.txt
var j []octet

//go:embed hello.txt
var _ map[string]int

func main() {}
