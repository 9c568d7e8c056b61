package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// switches returns how often the threads of this process have gone to sleep, and the processor time it took in ticks.
func switches() (count, ticks int) {
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, task := range tasks {
		text, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/status")
		for _, line := range strings.Split(string(text), "\n") {
			var n int
			if _, err := fmt.Sscanf(line, "voluntary_ctxt_switches: %d", &n); err == nil {
				count += n
			}
		}
	}
	text, _ := os.ReadFile("/proc/self/stat")
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')'):]))
	var user, system int
	fmt.Sscan(fields[12], &user)
	fmt.Sscan(fields[13], &system)
	return count, user + system
}

// How often a program wakes up that waits for a connection and does nothing.
func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go listener.Accept()
	time.Sleep(time.Second)
	count, ticks := switches()
	const seconds = 5
	time.Sleep(seconds * time.Second)
	later, ticksLater := switches()
	fmt.Println("idle", true)
	fmt.Println("# wakeups_per_second", (later-count)/seconds)
	fmt.Println("# cpu_ticks", ticksLater-ticks)
}
