package main

import (
	"fmt"
	"slices"
)

type number interface{ ~int | ~float64 }

type list[T any] struct{ items []T }

func (l list[T]) Len() int { return len(l.items) }

func id[T any](x T) T { return x }

type alias[T any] = list[T]

func main() {
	for i := range 3 {
		fmt.Println(i)
	}
	for x := range func(yield func(int) bool) {} {
		fmt.Println(x)
	}
	m := map[int]int{}
	clear(m)
	_ = min(1, len(m))
	_ = max(1, 2)
	_ = new(3)
	s := []int{1, 2}
	_ = [2]int(s)
	_ = (*[2]int)(s)
	slices.Sort(s)
	var f func(int) int = id[int]
	_ = f
	var a any
	_ = a
	n := 3
	_ = 1 << n
	_ = 0b11 + 1_000
}
