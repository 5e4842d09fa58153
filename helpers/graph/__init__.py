"""See a computation graph: read it from a live tensor, draw it, walk it backwards one node at a time.

    from helpers import graph

    graph.draw(loss, w=w, b=b)              the picture, with values and gradients
    graph.backward_steps(loss, w=w, b=b)    the backward pass as a list of steps
    graph.count(loss)                       how many nodes a walk reaches
    graph.leaves(loss)                      the tensors in which gradients arrive

The same calls work on PyTorch, on `helpers.handtorch` and on the engines that students write in chapters 2 and 10;
`read` says what such an engine must offer. `read` finds the nodes, `layout` places them, `draw` makes the picture,
`steps` walks backwards; `labels` and `numbers` say how things are written.
"""

from helpers.graph.draw import Drawing, draw
from helpers.graph.read import Edge, Graph, Node, count, leaves, read
from helpers.graph.steps import Send, Step, Steps, backward_steps

__all__ = ["Drawing", "Edge", "Graph", "Node", "Send", "Step", "Steps"]
__all__ += ["backward_steps", "count", "draw", "leaves", "read"]
