package cli

import "runtime/debug"

// maxStack is what the stack of one goroutine may take, in bytes. Go's own limit is
// 1 GB: a recursion without an end in each of 64 requests then takes the machine's
// memory before the first of them ends the process. What calls really need stays
// under 1 MiB; messages and expressions are bounded in depth.
const maxStack = 32 << 20

// boundStacks makes a recursion without an end stop the process at once, with the
// functions that it goes through, rather than after the machine's memory.
func boundStacks() { debug.SetMaxStack(maxStack) }
