// Before Go 1.22 a loop has one variable for all iterations, unless the file asks for more.
package main

import "fmt"

type pair struct{ a, b, c, d, e int }

func main() {
	var prints []func()
	for i := 0; i < 3; i++ {
		prints = append(prints, func() { fmt.Print(i, " ") })
	}
	for i, v := range []string{"a", "b"} {
		prints = append(prints, func() { fmt.Print(i, v, " ") })
	}
	for k, v := range map[string]int{"k": 1} {
		prints = append(prints, func() { fmt.Print(k, v, " ") })
	}
	for i, r := range "xyz" {
		prints = append(prints, func() { fmt.Print(i, string(r), " ") })
	}
	for i := range [3]int{} {
		prints = append(prints, func() { i++; fmt.Print(i, " ") })
	}
	c := make(chan int, 2)
	c <- 1
	c <- 2
	close(c)
	for v := range c {
		prints = append(prints, func() { fmt.Print(v, " ") })
	}
	for _, p := range []pair{{e: 1}, {e: 2}} {
		prints = append(prints, func() { fmt.Print(p.e, " ") })
	}
	for _, v := range []any{1, "two"} {
		prints = append(prints, func() { fmt.Print(v, " ") })
	}
	for _, print := range prints {
		print()
	}
	fmt.Println()

	var pointers []*int
	for i := 0; i < 3; i++ {
		pointers = append(pointers, &i)
	}
	for _, v := range []int{4, 5, 6} {
		pointers = append(pointers, &v)
	}
	for _, p := range pointers {
		fmt.Print(*p, " ")
	}
	fmt.Println(pointers[0] == pointers[1], pointers[3] == pointers[4])

	v := []int{1, 2}
	for _, v := range v {
		defer func() { fmt.Println("deferred", v) }()
	}
	for i := 0; i < 3; i++ {
		func() { i++ }()
		fmt.Println("changed", i)
	}
	for i := range v {
		i *= 10
		func() { fmt.Print(i, " ") }()
	}
	fmt.Println()
outer:
	for i := range v {
		for j := range v {
			if j == 1 {
				continue outer
			}
			defer func() { fmt.Println("both", i, j) }()
		}
	}
	newer()
}
