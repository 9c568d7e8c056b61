package main

import (
	"fmt"
	"os"
)

var name = greet("x")

func greet(s string) string { return "hello " + s }

func main() { fmt.Println(name, os.Args[1:]) }
