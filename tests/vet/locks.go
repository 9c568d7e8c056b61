package main

import (
	"sync"
	"sync/atomic"
)

type S struct {
	mu sync.Mutex
	n  int
}

type Outer struct{ inner [2]S }

func (s S) Value() int { return s.n }

func take(s S, o *Outer) {}

func give() S {
	var s S
	return s
}

var global S
var other = global

func generic[T S | Outer](t T) {}

func main() {
	var s S
	t := s
	t = s
	take(s, nil)
	list := []S{s, {}}
	m := map[string]S{"a": s}
	for _, x := range list {
		_ = x.n
	}
	for range m {
	}
	p := &s
	u := *p
	var wg sync.WaitGroup
	func(wg sync.WaitGroup) {}(wg)
	var c atomic.Int64
	d := c
	_, _, _ = t, u, d
	for once := (sync.Once{}); ; {
		once.Do(func() {})
		break
	}
	e := give()
	_ = len([2]S{})
	_, _ = e, other
	q := new(S)
	_ = q
}
