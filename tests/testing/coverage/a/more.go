package a

import "fmt"

type pair[T any] struct{ a, b T }

var table = map[string]func(int) int{
	"one": func(int) int { return 1 },
	"twice": func(n int) int {
		if n == 0 {
			return 0
		}
		return 2 * n
	},
}

func (p pair[T]) swap() pair[T] {
	// Only a comment before it.

	p.a, p.b = p.b, p.a

	/* and
	one behind it */

	return p
}

func Loop(n int, out chan<- string) (s string) {
	defer close(out)
	switch x := any(n).(type) {
	case string:
	case int:
		if x := x + 1; x > 2 {
			s = fmt.Sprint(
				x,

				"more",
			)
		} else if x > 1 {
			s = `a
raw

string`
		} else if f := func() bool { return x > 0 }; f() {
			goto end
		} else {
			s = "none"
		}
	}
	{
		done := make(chan int)
		go func() { done <- table["one"](1) }()
		<-done
	}
	{
		s += "block"
	}
outer:
	for i := 0; i < n; i++ {
		for range 2 {
			continue outer
		}
	}
	select {
	case out <- s:
		s += "sent"
	}
end:
	s += "end"
	return
}
