package main

import (
	"fmt"
	"io"
	"net"
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

func serve(c net.Conn) {
	defer c.Close()
	buffer := make([]byte, 64)
	for {
		n, err := c.Read(buffer)
		if err != nil {
			return
		}
		if _, err := c.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// A server that sends back what it gets, and many connections that send to it one message after the other.
func main() {
	connections := size(1000)
	const messages = 100
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	var all sync.WaitGroup
	var lock sync.Mutex
	good := 0
	for i := 0; i < connections; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			c, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				fmt.Println(err)
				return
			}
			defer c.Close()
			out, in := make([]byte, 32), make([]byte, 32)
			for m := 0; m < messages; m++ {
				for k := range out {
					out[k] = byte(i + m + k)
				}
				if _, err := c.Write(out); err != nil {
					fmt.Println(err)
					return
				}
				if _, err := io.ReadFull(c, in); err != nil || string(in) != string(out) {
					fmt.Println("wrong answer", err)
					return
				}
			}
			lock.Lock()
			good++
			lock.Unlock()
		}()
	}
	all.Wait()
	fmt.Println("echo", connections, good)
}
