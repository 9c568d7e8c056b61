//go:build go1.19

// A build line may ask for an older version.
package main

import "fmt"

func main() {
	var prints []func()
	for i := 0; i < 3; i++ {
		prints = append(prints, func() { fmt.Print(i, " ") })
	}
	for _, v := range []int{1, 2, 3} {
		prints = append(prints, func() { fmt.Print(v, " ") })
	}
	for _, print := range prints {
		print()
	}
	fmt.Println(min(1, 2))
}
