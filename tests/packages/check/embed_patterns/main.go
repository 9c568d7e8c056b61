package main

import (
	_ "example.com/embed_patterns/five"
	_ "example.com/embed_patterns/four"
	_ "example.com/embed_patterns/none"
	_ "example.com/embed_patterns/six"
	_ "example.com/embed_patterns/three"
	_ "example.com/embed_patterns/two"
)

func main() {}
