package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
)

func wrapped() error { return fmt.Errorf("wrapped: %w", io.EOF) }

func main() {
	fmt.Println(strings.Repeat("ab", 3), sort.SearchInts([]int{1, 3, 5}, 3), math.Sqrt(16))
	r := rand.New(rand.NewPCG(1, 2))
	fmt.Println(r.IntN(100), r.IntN(100))
	fmt.Println("a/b", filepath.Base("a/b"))
	fmt.Println(7)
	fmt.Println("len!")
	var group sync.WaitGroup
	var sum atomic.Int64
	for i := range 10 {
		group.Go(func() { sum.Add(int64(i)) })
	}
	group.Wait()
	fmt.Println(sum.Load(), errors.Is(wrapped(), io.EOF))
	println("MINE")
}
