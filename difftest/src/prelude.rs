//! What every generated program begins with: types with methods, and helpers that keep values small.

pub const PRELUDE: &str = r#"package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"html"
	"iter"
	"maps"
	"math"
	"math/bits"
	"math/cmplx"
	"net/url"
	"os"
	"path"
	"regexp"
	"runtime"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

var (
	_ = bytes.Equal
	_ = cmp.Less[int]
	_ = context.Background
	_ = md5.Sum
	_ = sha256.Sum256
	_ = base64.StdEncoding
	_ = binary.BigEndian
	_ = csv.NewReader
	_ = hex.EncodeToString
	_ = errors.New
	_ = crc32.ChecksumIEEE
	_ = html.EscapeString
	_ = maps.Keys[map[int]int]
	_ = bits.Len
	_ = cmplx.Abs
	_ = url.QueryEscape
	_ = path.Clean
	_ = regexp.QuoteMeta
	_ = runtime.Gosched
	_ = slices.Reverse[[]int]
	_ = sort.Ints
	_ = strconv.Itoa
	_ = strings.Cut
	_ = atomic.AddInt32
	_ = time.Second
	_ = unicode.IsLetter
	_ = utf16.Encode
	_ = utf8.RuneLen
)

var (
	nan     = math.NaN()
	inf     = math.Inf(1)
	negZero = math.Copysign(0, -1)
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

// Fault is an error that prints alike everywhere, and can be compared.
type Fault int

func (f Fault) Error() string { return fmt.Sprintf("fault %d", int(f)) }

// Named is a string with a type of its own.
type Named string

type Sizer interface{ Size(d int) int }

func (n Num) Size(d int) int { return int(n) + d }

type Whole interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Both is a pair of any two types.
type Both[A, B any] struct {
	A A
	B B
}

func (b Both[A, B]) Swapped() Both[B, A] { return Both[B, A]{b.B, b.A} }

type chain struct{ n int }

func (c *chain) link(d int) *chain { c.n = c.n*3 + d; return c }
func (c chain) fresh() *chain      { return &c }

func same[T any](v T) T      { return v }
func boxed[T any](v T) T     { w, _ := any(v).(T); return w }
func inList[T any](v T) T    { return append([]T(nil), v, v)[1] }
func viaChan[T any](v T) T   { c := make(chan T); go func() { c <- v }(); return <-c }
func through[T any](v T) (w T) { defer func() { w = v }(); return }

func several[T any](vs ...T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, v := range vs {
			if !yield(v) {
				return
			}
		}
	}
}

func upTo(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := 0; i < n && yield(i); i++ {
		}
	}
}

// nested calls its body from a function of its own, and notes how it went.
func nested(n int) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		defer note("nested ends")
		step := func(i int) bool { return yield(i, strings.Repeat("n", i)) }
		for i := range n {
			if !step(i) {
				note("left at", i)
				return
			}
		}
	}
}

func show(format string, vs ...any) { note(fmt.Sprintf(format, vs...)) }
func quoted(vs ...any)              { fmt.Fprintf(out, strings.Repeat("%+q ", len(vs))+"\n", vs...) }
func at[T any](k int, v T) T        { note("at", k); return v }

func pick(c bool, a, b int) int {
	if c {
		return a
	}
	return b
}

func guard(f func()) {
	defer func() {
		if r := recover(); r != nil {
			note("guarded:", r)
		}
	}()
	f()
}

func wait(f func()) {
	var wg sync.WaitGroup
	wg.Go(f)
	wg.Wait()
}

func counts(list []string) map[string]int {
	m := map[string]int{}
	for _, s := range list {
		m[s]++
	}
	return m
}

func sorted(s sort.Interface) sort.Interface { sort.Sort(s); return s }
func clear_(s []int) []int                   { clear(s[:len(s)/2]); return s }

func scan(text, format string) (n int, err error, i int, s string) {
	if strings.Contains(format, "s") {
		n, err = fmt.Sscanf(text, format, &s, &i)
	} else {
		n, err = fmt.Sscanf(text, format, &i)
	}
	return
}

func scanFloat(text string) (f float64, u uint8, err error) {
	_, err = fmt.Sscan(text+" 7", &f, &u)
	return
}

func csvRead(text string) ([][]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	return r.ReadAll()
}

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
