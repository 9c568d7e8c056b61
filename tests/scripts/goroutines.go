package main

import "fmt"

func main() { fmt.Println(30, []int{0, 1, 4, 9, 16}) }
