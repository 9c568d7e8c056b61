//! What every generated program begins with: types with methods, and helpers that keep values small.

pub const PRELUDE: &str = r#"package main

import (
	"fmt"
	"os"
	"bufio"
)

var out = bufio.NewWriter(os.Stdout)

// Num is an integer with a method.
type Num int16

func (n Num) Twice() Num { return n * 2 }

type Point struct {
	x, y int
	tag  string
}

type Inner struct {
	f  float32
	c  [2]int8
	ok bool
}

// Outer is larger than what lies in registers.
type Outer struct {
	Point
	Inner
	name string
	n    uint16
}

type Shape interface {
	Area() int
	Label(string) string
}

func (p Point) Area() int              { return p.x * p.y }
func (p Point) Label(s string) string  { return clip(s + p.tag) }
func (p *Point) Move(d int) int        { p.x += d; p.y -= d; return p.x }
func (p Point) Moved(d int) Point      { p.x += d; p.tag += "'"; p.tag = clip(p.tag); return p }
func (o Outer) Sum() int               { return o.x + o.y + int(o.c[0]) + int(o.n) }
func (o *Outer) Bump()                 { o.n++; o.c[1]--; o.Point.x ^= 1 }
func (n Num) Area() int                { return int(n) }
func (n Num) Label(s string) string    { return s }

func clip(s string) string {
	if len(s) > 24 {
		return s[len(s)-24:]
	}
	return s
}

func cut(n, most int) int {
	if n > most {
		return most
	}
	return n
}

func twoInts(a, b int) (int, int)            { return b - 1, a + 1 }
func pair(s string, n int) (string, bool)    { return clip(s + "+"), n%2 == 0 }
func mix(a int, b uint8, s string) int       { return a ^ int(b)<<3 + len(s) }
func sum(vs ...int) (t int)                  { for _, v := range vs { t += v }; return }
func half(n int) int                         { return n / 2 }
func checked(a, b int) int                   { return a / b }
func note(vs ...any)                         { fmt.Fprintln(out, vs...) }

func run(name string, f func()) {
	defer func() {
		if r := recover(); r != nil {
			note("panic:", r)
		}
	}()
	note("==", name)
	f()
}
"#;
