"""Where the boxes and edges of a graph go: a layered layout (Sugiyama, Tagawa, Toda, 1981) in four steps.

1. Layers: a node stands one layer before the nearest of its users, so that leaves stand beside what uses them.
2. An edge that spans several layers gets a dummy node in each layer between, which keeps a lane free for it.
3. Order within a layer: each node moves to the mean place of its neighbours, forth and back; the best order is kept.
4. Positions: each node moves towards its neighbours as far as the order and the gaps allow.

Everything is computed along the flow ("along": from inputs to result) and across it; the drawing turns that into left
to right or top to bottom. An edge bends only between two layers, so it cannot run through a box.
"""

from bisect import bisect_right, insort
from dataclasses import dataclass

GAP_ALONG, GAP_ACROSS, LANE = 36.0, 16.0, 6.0


@dataclass
class Layout:
    """Centres of the boxes and the paths of the edges, as (along, across); the size of the whole."""

    centres: list[tuple[float, float]]
    paths: list[list[tuple[float, float]]]  # for each edge: points in pairs, straight within a pair, curved between
    length: float
    breadth: float


def arrange(sizes: list[tuple[float, float]], edges: list[tuple[int, int]]) -> Layout:
    """Lay out boxes of the given (along, across) sizes; edges run from a lower to a higher number."""
    layer = layers(len(sizes), edges)
    chains, layer_of, across = dummies(layer, edges, [size[1] for size in sizes])
    links = [pair for chain in chains for pair in zip(chain, chain[1:], strict=False)]
    before: list[list[int]] = [[] for _ in layer_of]
    after: list[list[int]] = [[] for _ in layer_of]
    for source, target in links:
        before[target].append(source)
        after[source].append(target)
    columns = order(layer_of, before, after)
    centre = place(columns, before, after, across, len(sizes))

    starts, widths, position = [], [], 0.0
    for column in columns:
        widths.append(max((sizes[node][0] for node in column if node < len(sizes)), default=0.0))
        starts.append(position)
        position += widths[-1] + GAP_ALONG
    top = min(centre[node] - across[node] / 2 for node in range(len(layer_of)))
    bottom = max(centre[node] + across[node] / 2 for node in range(len(layer_of)))
    centre = [where - top for where in centre]
    middles = [starts[where] + widths[where] / 2 for where in layer_of]
    ends = ports(chains, centre, sizes)
    paths = []
    for chain, (leave, arrive) in zip(chains, ends, strict=True):
        source, target = chain[0], chain[-1]
        path = [
            (middles[source] + sizes[source][0] / 2, leave),
            (starts[layer_of[source]] + widths[layer_of[source]], leave),
        ]
        for dummy in chain[1:-1]:
            begin = starts[layer_of[dummy]]
            path += [(begin, centre[dummy]), (begin + widths[layer_of[dummy]], centre[dummy])]
        path += [(starts[layer_of[target]], arrive), (middles[target] - sizes[target][0] / 2, arrive)]
        paths.append(path)
    centres = [(middles[node], centre[node]) for node in range(len(sizes))]
    return Layout(centres, paths, position - GAP_ALONG, bottom - top)


def layers(count: int, edges: list[tuple[int, int]]) -> list[int]:
    """The layer of each node: the last one has the longest way behind it, every other is just before a user."""
    behind = [0] * count
    for source, target in sorted(edges, reverse=True):  # users have higher numbers, so they are settled first
        behind[source] = max(behind[source], behind[target] + 1)
    last = max(behind, default=0)
    return [last - far for far in behind]


def dummies(layer, edges, across) -> tuple[list[list[int]], list[int], list[float]]:
    """The chain of nodes and dummies along each edge; layers and breadths, the dummies' after the nodes' own."""
    layer, across, chains = list(layer), list(across), []
    for source, target in edges:
        chain = [source]
        for between in range(layer[source] + 1, layer[target]):
            chain.append(len(layer))
            layer.append(between)
            across.append(LANE)
        chains.append([*chain, target])
    return chains, layer, across


def order(layer_of, before, after) -> list[list[int]]:
    """The nodes of each layer from one side to the other, with few crossings."""
    columns: list[list[int]] = [[] for _ in range(max(layer_of) + 1)]
    for node, where in enumerate(layer_of):
        columns[where].append(node)
    best, fewest = [list(column) for column in columns], crossings(columns, after)
    rank = {node: float(k) for column in columns for k, node in enumerate(column)}
    for sweep in range(8):
        if fewest == 0:
            break
        forth = sweep % 2 == 0
        for column in columns if forth else reversed(columns):
            near = before if forth else after
            wish = {node: mean([rank[other] for other in near[node]], rank[node]) for node in column}
            column.sort(key=lambda node: (wish[node], rank[node]))
            rank.update({node: float(k) for k, node in enumerate(column)})
        if (now := crossings(columns, after)) < fewest:
            best, fewest = [list(column) for column in columns], now
    return best


def crossings(columns, after) -> int:
    """How many pairs of neighbouring links cross, over all layers."""
    total = 0
    for column, following in zip(columns, columns[1:], strict=False):
        rank = {node: k for k, node in enumerate(following)}
        arrivals: list[int] = []
        for node in column:
            targets = [rank[target] for target in after[node]]
            total += sum(len(arrivals) - bisect_right(arrivals, target) for target in targets)
            for target in targets:
                insort(arrivals, target)
    return total


def place(columns, before, after, across, count) -> list[float]:
    """The position of each node across the flow: near its neighbours, in order, with gaps.

    Dummies pull hardest, since a long edge should be straight; a leaf or constant gives way, so that operations line up.
    """
    centre = [0.0] * len(across)
    for column in columns:
        settle(column, {node: 0.0 for node in column}, across, {node: 1.0 for node in column}, centre)
    # Back and forth, then towards both sides at once, and once more forth, which makes chains straight.
    sweeps = [("back", after), ("forth", before)] * 6 + [("back", None), ("forth", None)] * 4
    for direction, near in [*sweeps, ("back", after), ("forth", before)]:
        for column in columns if direction == "forth" else reversed(columns):
            wish, weight = {}, {}
            for node in column:
                others = near[node] if near else before[node] + after[node]
                others = [other for other in others if before[other]] or others
                wish[node] = mean([centre[other] for other in others], centre[node])
                weight[node] = 4.0 if node >= count else 1.0 if before[node] else 0.03
            settle(column, wish, across, weight, centre)
    return centre


def settle(column, wish, across, weight, centre) -> None:
    """Give each node of a layer the place nearest to its wish (weighted least squares) that keeps order and gaps.

    Pool adjacent violators: nodes that would overlap merge into a block, which stands at its members' mean wish.
    """
    blocks: list[list] = []  # [mean wish of the block's start, weight, members]
    offset = {}
    for node in column:
        blocks.append([wish[node], weight[node], [node]])
        offset[node] = 0.0
        while len(blocks) > 1 and blocks[-2][0] + extent(blocks[-2][2], offset, blocks[-1][2], across) > blocks[-1][0]:
            (start, heavy, members), (later, light, more) = blocks[-2], blocks.pop()
            shift = extent(members, offset, more, across)
            for member in more:
                offset[member] += shift
            blocks[-1] = [(start * heavy + (later - shift) * light) / (heavy + light), heavy + light, members + more]
    for start, _, members in blocks:
        for member in members:
            centre[member] = start + offset[member]


def extent(members, offset, more, across) -> float:
    """From the first member's centre to where the next block's first centre may stand."""
    last, following = members[-1], more[0]
    return offset[last] + (across[last] + across[following]) / 2 + GAP_ACROSS


def ports(chains, centre, sizes) -> list[tuple[float, float]]:
    """Where each edge leaves and arrives: arrivals are spread over the box's side in the order they come from."""
    arriving: dict[int, list[int]] = {}
    for k, chain in enumerate(chains):
        arriving.setdefault(chain[-1], []).append(k)
    arrive = {}
    for target, edges in arriving.items():
        edges.sort(key=lambda k: (centre[chains[k][-2]], k))
        step = min(12.0, (sizes[target][1] - 10) / len(edges))
        for k, edge in enumerate(edges):
            arrive[edge] = centre[target] + (k - (len(edges) - 1) / 2) * step
    return [(centre[chain[0]], arrive[k]) for k, chain in enumerate(chains)]


def mean(numbers: list[float], otherwise: float) -> float:
    """The mean, or `otherwise` of nothing."""
    return sum(numbers) / len(numbers) if numbers else otherwise
