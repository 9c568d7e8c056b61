// What is comparable only as its dynamic type is satisfies comparable since go1.20.
package main

type S struct{ x any }

type Set[K comparable] map[K]bool

func eq[T comparable](a, b T) bool { return a == b }

func strict[T interface {
	comparable
	M()
}](x T) {
}

type M struct{}

func (M) M() {}

func main() {
	var i any = 1
	eq(i, i)
	eq[any](i, i)
	eq[interface{ M() }](nil, nil)
	eq([1]any{}, [1]any{})
	eq(S{}, S{})
	eq(M{}, M{})
	eq(1, 2)
	strict(M{})
	strict[interface{ M() }](nil)
	var _ Set[any]
	var _ Set[string]
}
