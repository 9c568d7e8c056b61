package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sort"
	"strconv"
	"time"
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

// How long a connection waits for its answer while an endless loop runs on every processor.
func main() {
	n := size(200)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go io.Copy(c, c)
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		panic(err)
	}
	for range runtime.GOMAXPROCS(0) {
		go func() {
			for {
			}
		}()
	}
	buffer := make([]byte, 4)
	took := make([]time.Duration, n)
	for i := range took {
		start := time.Now()
		if _, err := c.Write([]byte("ping")); err != nil {
			panic(err)
		}
		if _, err := io.ReadFull(c, buffer); err != nil {
			panic(err)
		}
		took[i] = time.Since(start)
		time.Sleep(time.Millisecond)
	}
	sort.Slice(took, func(i, k int) bool { return took[i] < took[k] })
	fmt.Println("busyecho", n)
	fmt.Printf("# answered after p50 %d us, p99 %d us\n", took[n/2].Microseconds(), took[n*99/100].Microseconds())
}
