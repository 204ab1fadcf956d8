package boot

import "stackbench/internal/stack"

func containerStack(mode string) stack.Stack { return helperStack("helper", mode) }

func removeTestImages() {}
