package a

import "example.com/cov/b"

// Sign says the sign.
func Sign(n int) string {
	if n < 0 {
		return "-"
	} else if n == 0 {
		return "0"
	} else {
		b.Note()
	}

	// a comment

	switch {
	case n > 100:
		return "++"
	case n > 10:
	default:
		func() {
			n++
		}()
	}
	for i := range n {
		if i == 3 {
			continue
		}
	}
L:
	for {
		break L
	}
	x := []func(){
		func() { n-- },
		func() {},
	}
	_ = x
	defer func() {
		recover()
	}()
	panic("x")
}

func Unused() {}

func Unused2() int {
	const (
		a = 1

		b = 2
	)
	return a + b
}
