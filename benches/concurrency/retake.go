package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"time"
)

// How soon a goroutine that waits behind another's blocking call gets to run: a read from a pipe that stays empty for 2 ms, made again and
// again on the only processor.
func main() {
	runtime.GOMAXPROCS(1)
	r, w, err := os.Pipe()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	// Asked for its number, the pipe is read by a call that blocks its thread.
	r.Fd()
	const rounds = 200
	late := make([]int, 0, rounds)
	started := make(chan time.Time, 1)
	buffer := make([]byte, 1)
	for i := 0; i < rounds; i++ {
		done := make(chan bool)
		go func() {
			late = append(late, int(time.Since(<-started)/time.Microsecond))
			time.Sleep(2 * time.Millisecond)
			w.Write(buffer)
			done <- true
		}()
		started <- time.Now()
		r.Read(buffer)
		<-done
	}
	sort.Ints(late)
	fmt.Println("retake", len(late))
	fmt.Println("# late_p50", late[len(late)/2], "us")
	fmt.Println("# late_p99", late[len(late)*99/100], "us")
}
