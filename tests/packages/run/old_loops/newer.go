//go:build go1.22

package main

import "fmt"

func newer() {
	var prints []func()
	for i := range 3 {
		prints = append(prints, func() { fmt.Print(i, " ") })
	}
	for i := 0; i < 3; i++ {
		prints = append(prints, func() { fmt.Print(i, " ") })
	}
	for _, print := range prints {
		print()
	}
	fmt.Println()
}
