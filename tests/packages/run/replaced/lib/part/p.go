package part

const Two = 2
