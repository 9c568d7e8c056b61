package lib

import "example.org/lib/part"

type Celsius float64

func (c Celsius) Double() Celsius { return c * part.Two }
