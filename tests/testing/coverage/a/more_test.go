package a

import "testing"

func TestMore(t *testing.T) {
	table["twice"](2)
	pair[int]{1, 2}.swap()
	Loop(3, make(chan string, 1))
	Loop(0, make(chan string, 1))
}
