package main

import (
	"fmt"
	"os"
	"strconv"
)

type Point struct{ X, Y int }

func (p Point) String() string { return fmt.Sprintf("(%d;%d) %d", p.X, p.Y, counter) }

func double(i int) int { counter++; return i * 2 }

func show() string { return fmt.Sprint(a, b) }

const size = 10

const later = Celsius(1.5)

type Celsius float64

func (c Celsius) Double() Celsius { return c * 2 }

var (
	counter int
	a, b    int
)

func main() {
	x, err := strconv.Atoi("42")
	if err != nil {
		panic(err)
	}
	fmt.Println(x, double(x))
	counter = size
	y, err := strconv.Atoi("zz")
	fmt.Println(y, err, counter)
	for i := range size {
		counter += i
	}
	fmt.Println(Point{1, 2})
	var list []int
	list = append(list, 1, 2)
	add := func(i int) { list = append(list, i); counter++ }
	add(5)
	fmt.Println(list, counter, len(os.Args))
	defer fmt.Println("deferred")
	var m = map[string]int{"a": 1}
	v, ok := m["a"]
	fmt.Println(v, ok)
	fmt.Printf("%T %v\n", Point{}, later.Double())
	a, b = 1, 2
	a, b = b, a
	fmt.Println(a, b, show())
}
