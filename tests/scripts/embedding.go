package main

import (
	"embed"
	"fmt"
)

//go:embed embedding.data
var text string

//go:embed embedding.data
var local []byte

//go:embed embedding.data
var files embed.FS

func main() {
	fmt.Print(text, shared())
	local[0] = 'H'
	fmt.Print(string(local), text)
	data, err := files.ReadFile("embedding.data")
	fmt.Println(len(data), err)
}

func shared() int { return len(text) }
