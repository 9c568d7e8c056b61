// Interfaces that are embedded side by side could not overlap before go1.14.
package main

type A interface{ M() }

type B interface {
	M()
	N()
}

type AB interface {
	A
	B
}

type AA interface {
	M()
	A
}

func number[T int | float64](x T) T { return x }

func main() {
	var _ AB
	var _ AA
	number[int](1)
}
