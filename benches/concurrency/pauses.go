// How late a 1 ms ticker is while about 200 MB of linked nodes are alive and allocation goes on.
package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"
)

type node struct {
	left, right *node
	value       [4]int
}

// tree makes 2^depth-1 nodes.
func tree(depth int) *node {
	if depth == 0 {
		return nil
	}
	return &node{left: tree(depth - 1), right: tree(depth - 1)}
}

func main() {
	megabytes, seconds := 200, 5
	if len(os.Args) > 1 {
		megabytes, _ = strconv.Atoi(os.Args[1])
	}
	if len(os.Args) > 2 {
		seconds, _ = strconv.Atoi(os.Args[2])
	}
	const depth = 13
	kept := make([]*node, megabytes<<20/(48<<depth))
	for i := range kept {
		kept[i] = tree(depth)
	}
	stop := make(chan bool)
	done := make(chan int)
	go func() {
		replaced := 0
		for {
			select {
			case <-stop:
				done <- replaced
				return
			default:
			}
			kept[replaced%len(kept)] = tree(depth)
			replaced++
		}
	}()
	var late []time.Duration
	begin := time.Now()
	next := begin
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for time.Since(begin) < time.Duration(seconds)*time.Second {
		next = next.Add(time.Millisecond)
		time.Sleep(time.Until(next))
		now := time.Now()
		late = append(late, now.Sub(next))
		if now.After(next) {
			next = now
		}
	}
	runtime.ReadMemStats(&after)
	close(stop)
	replaced := <-done
	slices.Sort(late)
	at := func(part float64) float64 {
		return late[int(part*float64(len(late)-1))].Seconds() * 1000
	}
	fmt.Printf("# lateness p50 %.3f ms\n# lateness p99 %.3f ms\n# lateness max %.3f ms\n", at(0.5), at(0.99), at(1))
	cycles := after.NumGC - before.NumGC
	longest := uint64(0)
	for n := before.NumGC; n < after.NumGC; n++ {
		longest = max(longest, after.PauseNs[n%256])
	}
	fmt.Printf("# collections %d\n# stopped per collection %.3f ms (longest %.3f)\n# replaced %d\n", cycles,
		float64(after.PauseTotalNs-before.PauseTotalNs)/1e6/max(float64(cycles), 1), float64(longest)/1e6, replaced)
}
