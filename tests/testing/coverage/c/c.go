package c

type T int
