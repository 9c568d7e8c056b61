package main

import "fmt"

type inner struct{ a int }

type outer struct{ inner }

type generic[T any] struct{}

func (generic[T]) method[U any](u U) {}

type alias[T any] = []T

func main() {
	for i := range 3 {
		fmt.Println(i)
	}
	for range func(yield func() bool) {} {
	}
	_ = outer{a: 1}
	_ = new(3)
	_ = new(outer{})
	var f func(func(int) int) = apply
	_ = f
}

func apply[T any](f func(T) T) {}
