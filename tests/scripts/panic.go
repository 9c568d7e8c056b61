package main

import "fmt"

func index() int { return 5 }

func main() {
	defer fmt.Println("deferred 1")
	defer func() {
		fmt.Println("recovered:", recover())
		var m map[string]int
		m["x"] = 1
	}()
	s := []int{1, 2, 3}
	fmt.Println(s[index()])
}
