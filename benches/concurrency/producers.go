package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
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

// Four producers and four consumers around a buffered channel.
func main() {
	n := size(1000000)
	c := make(chan int, 64)
	var produced, consumed sync.WaitGroup
	sums := make([]int, 4)
	for p := 0; p < 4; p++ {
		produced.Add(1)
		go func() {
			defer produced.Done()
			for i := p; i < n; i += 4 {
				c <- i
			}
		}()
		consumed.Add(1)
		go func() {
			defer consumed.Done()
			for v := range c {
				sums[p] += v
			}
		}()
	}
	produced.Wait()
	close(c)
	consumed.Wait()
	fmt.Println("producers", n, sums[0]+sums[1]+sums[2]+sums[3])
}
