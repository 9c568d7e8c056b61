package main

import (
	"fmt"
	"os"
	"strconv"
)

// size returns the problem size: os.Args[1] when it is a number, else def.
func size(def int) int {
	if len(os.Args) > 1 {
		if v, err := strconv.Atoi(os.Args[1]); err == nil {
			return v
		}
	}
	return def
}

func generate(out chan<- int) {
	for i := 2; ; i++ {
		out <- i
	}
}

func filter(in <-chan int, out chan<- int, prime int) {
	for {
		if i := <-in; i%prime != 0 {
			out <- i
		}
	}
}

// The sieve of goroutines: each takes the multiples of one prime out.
func main() {
	n := size(2000)
	ch := make(chan int)
	go generate(ch)
	prime := 0
	for i := 0; i < n; i++ {
		prime = <-ch
		next := make(chan int)
		go filter(ch, next, prime)
		ch = next
	}
	fmt.Println("sieve", n, prime)
}
