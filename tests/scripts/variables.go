package main

import (
	"fmt"
	"strconv"
)

var a, b = pair()
var s struct {
	n    int
	text string
}
var grid [2][3]int
var shown fmt.Stringer = text("interface")
var c, d int
var err error
var fresh int
var count, total int

type text string

func (t text) String() string { return string(t) }

func pair() (int, string) { return 1, "b" }

func parse(s string) (int, error) { return strconv.Atoi(s) }

func show() { fmt.Println(a, b, s, grid, shown, c, d, err) }

func seen() int { return fresh }

func increment(p *int) { *p++; count++ }

func set() {
	a, b = 2, "bb"
	s.n, s.text = 5, "five"
	grid[1][2] = 7
	shown = text("changed")
	err = nil
}

func main() {
	c, err = parse("12")
	d, err = parse("x")
	show()
	set()
	show()
	a = 100
	show()
	for count < 3 {
		fresh = 0
		fresh++
		count++
	}
	fmt.Println(fresh, count, seen())
	counters := []func() int{}
	for i := range 3 {
		total += i
		counters = append(counters, func() int { total++; return total * i })
	}
	for _, counter := range counters {
		fmt.Println(counter())
	}
	p := &count
	*p = 50
	increment(p)
	fmt.Println(count)
}
