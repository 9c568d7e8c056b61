package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

type Bad struct {
	A int `json:"a" xml:"b"`
	B int `json:"a"`
	C int `json: "c"`
	D int `json:"d",xml:"e"`
	e int `json:"e"`
	F int "plain"
	G int `json:"g, omitempty"`
}

func forever() int {
	for {
	}
	return 1
}

func returns(x int) int {
	if x > 0 {
		return 1
	} else {
		return 2
	}
	fmt.Println("never")
	return 3
}

func switches(x int) int {
	switch x {
	case 1:
		return 1
		fmt.Println("after")
	default:
		panic("x")
	}
	x++
	return x
}

func labels() {
L:
	for {
		break L
	}
	goto end
	fmt.Println("jumped over")
end:
	fmt.Println("end")
}

func lost(parent context.Context, cond bool) error {
	ctx, cancel := context.WithCancel(parent)
	if cond {
		return ctx.Err()
	}
	cancel()
	return nil
}

func kept(parent context.Context, cond bool) error {
	ctx, cancel := context.WithTimeout(parent, time.Second)
	defer cancel()
	if cond {
		return ctx.Err()
	}
	return nil
}

func discarded(parent context.Context) {
	ctx, _ := context.WithCancel(parent)
	_ = ctx
}

func looped(parent context.Context, n int) {
	for i := range n {
		ctx, cancel := context.WithCancel(parent)
		if i == 3 {
			continue
		}
		_ = ctx
		cancel()
	}
}

func fallsOff(parent context.Context, n int) {
	var cancel func()
	_, cancel = context.WithCancel(parent)
	if n > 0 {
		cancel()
	}
}

func main() {
	x, y := 1, 2
	x = x
	x, y = x, y
	list := []int{1}
	list[0] = list[0]
	var i8 int8 = 3
	fmt.Println(i8<<8, i8<<7, uint32(x)>>32)
	i8 >>= 10
	if false {
		i8 <<= 64
	}
	if main == nil || fmt.Println != nil {
	}
	if x == 1 || x == 1 {
	}
	if x != 1 || x != 2 || y == 3 {
	}
	if x == 1 && x == 2 {
	}
	fmt.Sprintf("%d", x)
	errors.New("x")
	slices.Sorted(slices.Values(list))
	err := errors.New("y")
	err.Error()
	_ = string(x)
	type myString string
	_ = myString(x)
	_ = string(rune(x))
	list = append(list)
	var b Bad
	json.Unmarshal(nil, b)
	json.Unmarshal(nil, &b)
	json.NewDecoder(os.Stdin).Decode(b)
	var n int64
	n = atomic.AddInt64(&n, 1)
	ch := make(chan os.Signal)
	signal.Notify(ch, os.Interrupt)
	var wg sync.WaitGroup
	go func() {
		wg.Add(1)
		defer wg.Done()
	}()
	start := time.Now()
	defer fmt.Println(time.Since(start))
	defer func() { fmt.Println(time.Since(start)) }()
	var target *os.PathError
	errors.As(err, target)
	errors.As(err, &err)
	errors.As(err, &target)
}
