package e

const E = 1
