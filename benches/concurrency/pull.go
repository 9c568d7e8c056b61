package main

import (
	"fmt"
	"iter"
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

// Values asked for one at a time.
func main() {
	n := size(1000000)
	next, stop := iter.Pull(func(yield func(int) bool) {
		for i := 0; i < n && yield(i); i++ {
		}
	})
	defer stop()
	sum := 0
	for v, ok := next(); ok; v, ok = next() {
		sum += v
	}
	fmt.Println("pull", n, sum)
}
