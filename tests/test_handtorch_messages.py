"""The mistakes that students make, run on PyTorch and on handtorch: both must print, warn and raise the same, word for word.

Each case is a few lines of a program in which `T` is torch. A heading gives its id in the catalogue of misconceptions.
"""

import contextlib
import io
import re
import textwrap
import warnings

import numpy as np
import pytest
import torch

import helpers.handtorch as handtorch
from helpers.handtorch.tensor import Warned

CASES = """
## A1: finite-difference step too small in float32
f=lambda w:(w**2).sum(); w=T.tensor(3.0)
for h in (1e-1,1e-3,1e-4,1e-6,1e-8):
    print(h,((f(w+h)-f(w))/h).item(),((f(w+h)-f(w-h))/(2*h)).item())

## A2: manual grad forgets 1/N of mean
x=T.arange(1.,4); w=T.tensor(1.0,requires_grad=True); y=2*x
l=((w*x-y)**2).mean(); l.backward(); man=(2*(w.detach()*x-y)*x).sum(); print(w.grad.item(),man.item(),(man/3).item())

## B1: int dtype requires_grad
T.tensor([1,2,3],requires_grad=True)

## B1b: int dtype requires_grad_ later
T.arange(3).requires_grad_()

## B2: backward when nothing requires grad
w=T.tensor([1.,2.]); (w**2).sum().backward()

## B3: backward on non-scalar
w=T.tensor([1.,2.],requires_grad=True); (w**2).backward()

## B4: gradient= wrong shape
w=T.tensor([1.,2.,3.],requires_grad=True); (w**2).backward(T.ones(2))

## B4b: gradient= python float
w=T.tensor([1.,2.,3.],requires_grad=True); (w**2).backward(1.0)

## B5: require_grad kwarg typo
T.tensor([1.],require_grad=True)

## B5b: w.require_grad = True attr typo silent
w=T.tensor([1.]); w.require_grad=True; print(w.requires_grad); (w*2).sum().backward()

## B6: copy-construct tensor(w) cuts the graph
w=T.tensor([1.,2.],requires_grad=True); v=T.tensor(w*2,requires_grad=True); v.sum().backward(); print('w.grad',w.grad,'v.grad',v.grad)

## B7: T.tensor([a,b]) of tensors cuts the graph
a=T.tensor(1.,requires_grad=True); b=T.tensor(2.,requires_grad=True); p=T.tensor([a,b]); print(p.requires_grad); p.sum().backward()

## B7b: stack keeps the graph
a=T.tensor(1.,requires_grad=True); b=T.tensor(2.,requires_grad=True); T.stack([a,b]).sum().backward(); print(a.grad,b.grad)

## B8: numpy() on requires grad
T.tensor([1.],requires_grad=True).numpy()

## B8c: np.sin on requires_grad tensor
np.sin(T.tensor([1.],requires_grad=True))

## B9: .item() on many elements
T.tensor([1.,2.]).item()

## B9b: float() on many elements
float(T.tensor([1.,2.]))

## B10: if on many elements
bool(T.tensor([1.,2.])>0)

## B11: math.sin(tensor) cuts the graph
import math
w=T.tensor(1.,requires_grad=True); y=math.sin(w); print(type(y)); y.backward()

## B12: loss.item().backward()
w=T.tensor(1.,requires_grad=True); (w**2).item().backward()

## B13: requires_grad switched on after forward
w=T.tensor(1.); y=w**2; w.requires_grad_(); y.backward()

## B14: non-leaf .grad read
w=T.tensor(1.,requires_grad=True); y=w**2; z=y*3; z.backward(); print(y.grad)

## B15: leaf lost by arithmetic at creation
w=T.randn(3,requires_grad=True)*0.01; print(w.is_leaf); w.sum().backward(); print(w.grad)

## B15b: leaf lost by .double()/.to
w=T.ones(3,requires_grad=True).double(); print(w.is_leaf, T.ones(3,requires_grad=True).float().is_leaf)

## B16: retain_grad on no-grad tensor
T.ones(3).retain_grad()

## B16b: retain_grad on leaf is a no-op
w=T.ones(3,requires_grad=True); w.retain_grad(); print(w.retains_grad)

## B17: change requires_grad on non-leaf
w=T.ones(3,requires_grad=True); y=w*2; y.requires_grad=False

## B18: deepcopy non-leaf
import copy; w=T.ones(3,requires_grad=True); copy.deepcopy(w*2)

## B19: bool/round/argmax has no gradient
w=T.ones(3,requires_grad=True); (w>0).float().mean().backward()

## B19b: round gives zero gradient silently
w=T.tensor([1.2,2.7],requires_grad=True); T.round(w).sum().backward(); print(w.grad)

## B19c: argmax
w=T.ones(3,requires_grad=True); w.argmax().backward()

## C1: forgot zero_grad: grads add up
w=T.tensor(3.,requires_grad=True)
for _ in range(3): (w**2).backward(); print(w.grad.item())

## C2: zero_grad between backward and step
w=T.tensor(3.,requires_grad=True); o=T.optim.SGD([w],lr=.1)
(w**2).backward(); o.zero_grad(); o.step(); print(w.item(), w.grad)

## C3: double backward
w=T.tensor(3.,requires_grad=True); y=w**2; y.backward(); y.backward()

## C3b: double backward that silently works (no saved tensors)
w=T.tensor([3.,4.],requires_grad=True); y=(w+1).sum(); y.backward(); y.backward(); print(w.grad)

## C3c: mul by constant: backward twice?
w=T.tensor([3.,4.],requires_grad=True); y=(w*2).sum(); y.backward(); y.backward(); print(w.grad)

## C4: forward computed once outside loop
w=T.tensor(3.,requires_grad=True); l=(w-1)**2
for i in range(2):
    l.backward(); print('iter',i)
    with T.no_grad(): w-=.1*w.grad
    w.grad=None

## C5: summing losses keeps graphs
w=T.tensor(3.,requires_grad=True); tot=0.
for i in range(4): tot=tot+(w*i)**2
print(tot); n=0; s=[tot.grad_fn]; seen=set()
while s:
    f=s.pop()
    if f is None or f in seen: continue
    seen.add(f); s+= [g for g,_ in f.next_functions]
print('nodes alive',len(seen)); tot2=0.
for i in range(4): tot2+=((w*i)**2).item()
print(type(tot2))

## C6: w.grad.zero_() before first backward
w=T.tensor(3.,requires_grad=True); w.grad.zero_()

## C7: grad is None after zero_grad (set_to_none default)
w=T.tensor(3.,requires_grad=True); o=T.optim.SGD([w],lr=.1); (w**2).backward(); o.zero_grad(); print(w.grad); w.grad.abs()

## C8: w.grad = 0
w=T.tensor(3.,requires_grad=True); w.grad=0

## C8b: w.grad wrong shape
w=T.ones(3,requires_grad=True); w.grad=T.ones(2)

## C8c: w.grad wrong dtype
w=T.ones(3,requires_grad=True); w.grad=T.ones(3).double()

## C9: grad history aliases one buffer
w=T.tensor(3.,requires_grad=True); h=[]
for _ in range(3):
    if w.grad is not None: w.grad.zero_()
    (w**2).backward(); h.append(w.grad)
    with T.no_grad(): w-=.1*w.grad
print([g.item() for g in h])

## C9b: param history aliases storage
w=T.tensor(3.,requires_grad=True); h=[]
for _ in range(3):
    w.grad=None; (w**2).backward()
    with T.no_grad(): w-=.1*w.grad
    h.append(w.detach())
print([g.item() for g in h])

## C10: zero_() vs set None: Adam momentum keeps moving on zero grads
for none in (True,False):
    w=T.tensor(3.,requires_grad=True); o=T.optim.Adam([w],lr=.1); (w**2).backward(); o.step(); o.zero_grad(set_to_none=none); a=w.item(); o.step(); print(none,a,w.item())

## C11: grad accumulation without dividing
x=T.arange(1.,5);
w=T.tensor(1.,requires_grad=True); ((w*x)**2).mean().backward(); print('full',w.grad.item()); w.grad=None
for c in x.chunk(2): ((w*c)**2).mean().backward()
print('2 chunks',w.grad.item())

## D1: in-place on leaf
w=T.tensor(3.,requires_grad=True); w-=0.1

## D1b: indexing assignment on leaf
w=T.ones(3,requires_grad=True); w[0]=5.

## D2: w = w - lr*w.grad: second iteration
w=T.tensor(3.,requires_grad=True)
for _ in range(2):
    (w**2).backward(); w=w-0.1*w.grad

## D3: w = w - lr*w.grad inside no_grad: second iteration
w=T.tensor(3.,requires_grad=True)
for _ in range(2):
    (w**2).backward()
    with T.no_grad(): w=w-0.1*w.grad

## D3b: requires_grad_(): detached new tensor, optimizer stale
w=T.tensor(3.,requires_grad=True); o=T.optim.SGD([w],lr=.1); w=(w*1).detach().requires_grad_()
(w**2).backward(); o.step(); print(w.item())

## D4: saved tensor modified in place
w=T.ones(3,requires_grad=True); y=w.exp(); y+=1; y.sum().backward()

## D4b: in-place that is fine (add saves nothing)
w=T.ones(3,requires_grad=True); y=w*2; y+=1; y.sum().backward(); print(w.grad)

## D4c: optimizer.step between forward and a second backward
w=T.nn.Linear(2,2); v=T.nn.Linear(2,1); o=T.optim.SGD([*w.parameters(),*v.parameters()],lr=.1); y=v(w(T.ones(1,2))).sum(); y.backward(retain_graph=True); o.step(); y.backward()

## D5: .data edit: silent wrong gradient
w=T.tensor(3.,requires_grad=True); y=w**2; w.data.fill_(100.); y.backward(); print('grad of w**2 at 3 reported as',w.grad.item())

## D5b: detach() edit: caught
w=T.tensor(3.,requires_grad=True); y=w**2; w.detach().fill_(100.); y.backward()

## D5c: no_grad edit between forward and backward: caught
w=T.tensor(3.,requires_grad=True); y=w**2
with T.no_grad(): w.fill_(100.)
y.backward()

## D6: detach shares storage
w=T.ones(3,requires_grad=True); v=w.detach(); v[0]=99; print(w)

## D6b: numpy() shares storage too
w=T.ones(3,requires_grad=True); a=w.detach().numpy(); a[0]=7; print(w)

## D6c: numpy edit between forward and backward: silent wrong
w=T.tensor([3.],requires_grad=True); y=w**2; w.detach().numpy()[0]=100; y.backward(); print(w.grad)

## D7: detach_ on a view
w=T.ones(4,requires_grad=True); v=w[:2]; v.detach_()

## D8: view+inplace under no_grad then backward
w=T.ones(4,requires_grad=True)
with T.no_grad(): v=w[:2]
v.mul_(2)

## D9: out= with requires grad
w=T.ones(3,requires_grad=True); o=T.zeros(3); T.mul(w,w,out=o)

## D10: relu_(inplace) after saved
w=T.randn(3,requires_grad=True); y=T.sigmoid(w); T.relu_(y); y.sum().backward()

## D11: set .data different shape later
w=T.ones(3,requires_grad=True); y=(w**2).sum(); w.data=T.ones(2); y.backward()

## E1: eval() does not stop recording
m=T.nn.Linear(1,1).eval(); print(m(T.ones(1,1)).requires_grad)

## E2: no_grad does not stop dropout
T.manual_seed(0); m=T.nn.Dropout(.5)
with T.no_grad(): print(m(T.ones(8)))

## E3: forward under no_grad then backward
w=T.ones(3,requires_grad=True)
with T.no_grad(): l=(w**2).sum()
l.backward()

## E4: inference tensor used in training
w=T.ones(3,requires_grad=True)
with T.inference_mode(): f=T.ones(3)*2
(w*f).sum().backward()

## E4b: inference tensor in-place outside
with T.inference_mode(): f=T.ones(3)
f.add_(1)

## E4c: set requires_grad on inference tensor
with T.inference_mode(): f=T.ones(3)
f.requires_grad_()

## E5: leaf made inside no_grad keeps requires_grad
with T.no_grad(): w=T.ones(3,requires_grad=True); y=w*2
print(w.requires_grad,y.requires_grad)

## E5b: no_grad does not change existing flags
w=T.ones(3,requires_grad=True)
with T.no_grad(): print(w.requires_grad, (w+0).requires_grad, w.view(3).requires_grad)

## E6: with torch.no_grad: (no parentheses)
with T.no_grad: pass

## E6b: @torch.no_grad without parentheses
@T.no_grad
def f(w): return w*2
print(f(T.ones(1,requires_grad=True)).requires_grad)

## E7: bare torch.no_grad() call does nothing
T.no_grad(); print(T.is_grad_enabled())

## E7b: bare torch.set_grad_enabled(False) sticks
T.set_grad_enabled(False); print(T.is_grad_enabled()); w=T.ones(1,requires_grad=True);
try: (w*2).sum().backward()
finally: T.set_grad_enabled(True)

## E8: detach prediction then loss
w=T.ones(3,requires_grad=True); p=(w*2).detach(); ((p-1)**2).mean().backward()

## E8b: detach only one path: silent partial gradient
x=T.tensor(2.,requires_grad=True); z=x*(x*x).detach(); z.backward(); print(x.grad.item(),'not',3*4.)

## E9: requires_grad=False freeze after optimizer; grads stale
w=T.tensor(1.,requires_grad=True); o=T.optim.SGD([w],lr=.1); (w**2).backward(); w.requires_grad=False; o.step(); o.step(); print(w.item())

## F1: second derivative without create_graph
x=T.tensor(2.,requires_grad=True); y=x**3; y.backward(); x.grad.backward()

## F1b: autograd.grad twice without create_graph
x=T.tensor(2.,requires_grad=True); g,=T.autograd.grad(x**3,x); T.autograd.grad(g,x)

## F2: grad w.r.t. unused
x=T.tensor(2.,requires_grad=True); u=T.tensor(1.,requires_grad=True); T.autograd.grad(x**2,u)

## F3: grad w.r.t. a tensor that does not require grad
x=T.tensor(2.,requires_grad=True); u=T.tensor(1.); T.autograd.grad(x*u,u)

## F3b: autograd.grad non scalar
x=T.ones(2,requires_grad=True); T.autograd.grad(x*2,x)

## F4: backward(create_graph=True) warning
x=T.tensor(2.,requires_grad=True); (x**3).backward(create_graph=True); print(x.grad)

## F4b: create_graph: x.grad then second backward adds into x.grad
warnings.simplefilter('ignore')
x=T.tensor(2.,requires_grad=True); (x**3).backward(create_graph=True); x.grad.backward(); print(x.grad.item(),'= 12 + 12, not 12')

## F5: custom Function: wrong number of gradients
class S(T.autograd.Function):
    @staticmethod
    def forward(ctx,x): ctx.save_for_backward(x); return x*x
    @staticmethod
    def backward(ctx,g): x,=ctx.saved_tensors; return g*2*x, None, g
S.apply(T.ones(2,requires_grad=True)).sum().backward()

## F5a: custom Function: extra None is tolerated
class S(T.autograd.Function):
    @staticmethod
    def forward(ctx,x): ctx.save_for_backward(x); return x*x
    @staticmethod
    def backward(ctx,g): x,=ctx.saved_tensors; return g*2*x, None
x=T.ones(2,requires_grad=True); S.apply(x).sum().backward(); print(x.grad)

## F5b: custom Function: wrong shape
class S(T.autograd.Function):
    @staticmethod
    def forward(ctx,x): return x.sum()
    @staticmethod
    def backward(ctx,g): return T.ones(3)
S.apply(T.ones(2,requires_grad=True)).backward()

## F5c: custom Function: called as instance
class S(T.autograd.Function):
    @staticmethod
    def forward(ctx,x): return x*x
    @staticmethod
    def backward(ctx,g): return g
S()(T.ones(2,requires_grad=True))

## F5d: custom Function: forgot grad_output
class S(T.autograd.Function):
    @staticmethod
    def forward(ctx,x): ctx.save_for_backward(x); return x*x
    @staticmethod
    def backward(ctx,g): x,=ctx.saved_tensors; return 2*x
x=T.tensor(3.,requires_grad=True); (5*S.apply(x)).backward(); print(x.grad.item(),'should be 30')

## F5e: custom Function: gradcheck in float32
class S(T.autograd.Function):
    @staticmethod
    def forward(ctx,x): ctx.save_for_backward(x); return x*x
    @staticmethod
    def backward(ctx,g): x,=ctx.saved_tensors; return 2*x*g
T.autograd.gradcheck(S.apply,(T.randn(3,requires_grad=True),))

## F5f: gradcheck catches a wrong rule
class S(T.autograd.Function):
    @staticmethod
    def forward(ctx,x): ctx.save_for_backward(x); return x*x
    @staticmethod
    def backward(ctx,g): x,=ctx.saved_tensors; return 3*x*g
T.autograd.gradcheck(S.apply,(T.ones(1,dtype=T.double,requires_grad=True),))

## F6: where() with NaN in the unused branch
x=T.tensor([0.,4.],requires_grad=True); T.where(x>0,T.sqrt(x),T.zeros_like(x)).sum().backward(); print(x.grad)

## F6b: norm/sqrt at zero
x=T.zeros(2,requires_grad=True); T.sqrt((x**2).sum()).backward(); print(x.grad)

## F6b2: x.norm() at zero
x=T.zeros(2,requires_grad=True); x.norm().backward(); print(x.grad)

## F6c: detect_anomaly names the op
x=T.zeros(2,requires_grad=True)
with T.autograd.detect_anomaly(): T.sqrt((x**2).sum()).backward()

## F7: relu/abs at 0; max ties
x=T.zeros(1,requires_grad=True); T.relu(x).sum().backward(); print('relu',x.grad)
x=T.zeros(1,requires_grad=True); x.abs().sum().backward(); print('abs',x.grad)
x=T.ones(3,requires_grad=True); x.max().backward(); print('max()',x.grad)
x=T.ones(3,requires_grad=True); x.max(0).values.backward(); print('max(0)',x.grad)
x=T.ones(3,requires_grad=True); x.amax().backward(); print('amax',x.grad)
x=T.zeros(1,requires_grad=True); T.clamp(x,min=0).sum().backward(); print('clamp',x.grad)
x=T.zeros(1,requires_grad=True); T.maximum(x,T.zeros(1)).sum().backward(); print('maximum',x.grad)

## F8: func.grad on non-scalar
T.func.grad(lambda x:x*2)(T.ones(2))

## F9: backward hook returns wrong shape
x=T.ones(2,requires_grad=True); y=x*2; y.register_hook(lambda g:T.ones(3)); y.sum().backward()

## F10: register_hook on no-grad tensor
T.ones(2).register_hook(print)

## G1: optimizer given a tensor
T.optim.SGD(T.ones(2,requires_grad=True),lr=.1)

## G1b: optimizer given a list of floats
T.optim.SGD([1.0,2.0],lr=.1)

## G2: optimizer given a non-leaf
T.optim.SGD([T.ones(2,requires_grad=True)*2],lr=.1)

## G3: parameters() generator exhausted / python list of layers
m=T.nn.Linear(1,1); p=m.parameters(); print(sum(q.numel() for q in p)); T.optim.SGD(p,lr=.1)

## G3b: python list of layers
class N(T.nn.Module):
    def __init__(s): super().__init__(); s.ls=[T.nn.Linear(1,1)]
T.optim.SGD(N().parameters(),lr=.1)

## G3c: super().__init__() forgotten
class N(T.nn.Module):
    def __init__(s): s.l=T.nn.Linear(1,1)
N()

## G3d: plain tensor attribute is not a parameter
class N(T.nn.Module):
    def __init__(s): super().__init__(); s.w=T.ones(1,requires_grad=True)
print(list(N().parameters()))

## G4: step before backward: nothing happens
w=T.tensor(3.,requires_grad=True); o=T.optim.SGD([w],lr=.1); o.step(); print(w.item())

## G5: lr_scheduler order
w=T.tensor(3.,requires_grad=True); o=T.optim.SGD([w],lr=.1); s=T.optim.lr_scheduler.StepLR(o,1); s.step(); o.step()

## G6: LBFGS without closure
w=T.tensor(3.,requires_grad=True); T.optim.LBFGS([w]).step()

## G7: MSELoss broadcast
p=T.zeros(4,1,requires_grad=True); t=T.arange(4.); print(T.nn.MSELoss()(p,t).item(),T.nn.MSELoss()(p[:,0],t).item())

## G7b: hand-written mse broadcasts silently
p=T.arange(4.).view(4,1).requires_grad_(); t=T.arange(4.); print(((p-t)**2).mean().item(),'should be 0')

## G8: float64 data with float32 params: linear
x=T.from_numpy(np.ones((2,1))); T.nn.Linear(1,1)(x)

## G8b: float64 target in mse: loss ok, then?
w=T.ones(1,requires_grad=True); l=T.nn.functional.mse_loss(w*2,T.from_numpy(np.ones(1))); print(l.dtype); l.backward(); print(w.grad)

## G9: learning rate too large on raw t_u diverges (seed data)
tc=T.tensor([0.5,14.,15.,28.,11.,8.,3.,-4.,6.,13.,21.]); tu=T.tensor([35.7,55.9,58.2,81.9,56.3,48.9,33.9,21.8,48.4,60.4,68.4])
for inp,lr,name in ((tu,1e-2,'t_u 1e-2'),(tu,1e-4,'t_u 1e-4'),(.1*tu,1e-2,'t_un 1e-2')):
    p=T.tensor([1.,0.],requires_grad=True); o=T.optim.SGD([p],lr=lr)
    for i in range(100):
        l=((p[0]*inp+p[1]-tc)**2).mean(); o.zero_grad(); l.backward(); o.step()
    print(name,l.item(),p.detach().tolist())

## G10: negative lr / maximize
T.optim.SGD([T.ones(1,requires_grad=True)],lr=-.1)

## G10b: lr omitted
print(T.optim.SGD([T.ones(1,requires_grad=True)]).defaults['lr'])

## G11: new optimizer every iteration loses momentum
for fresh in (False,True):
    w=T.tensor(3.,requires_grad=True); o=T.optim.SGD([w],lr=.01,momentum=.9)
    for _ in range(20):
        if fresh: o=T.optim.SGD([w],lr=.01,momentum=.9)
        o.zero_grad(); (w**2).backward(); o.step()
    print(fresh,w.item())

## G12: same param twice
w=T.ones(1,requires_grad=True); T.optim.SGD([w,w],lr=.1)

## G13: duplicate across groups
w=T.ones(1,requires_grad=True); T.optim.SGD([{'params':[w]},{'params':[w]}],lr=.1)

## H1: int(0.2*n)==0 makes the TRAIN set empty
n=4; nv=int(.2*n); idx=T.randperm(n); print(nv,idx[:-nv],idx[-nv:].shape); print(T.empty(0).mean())

## H2: list of loss tensors then plot/np.mean
w=T.ones(1,requires_grad=True); L=[(w*i).sum() for i in range(3)]; np.mean(L)

## H2b: np.array(list of loss tensors)
w=T.ones(1,requires_grad=True); L=[(w*i).sum() for i in range(3)]; np.array(L)

## H3: val_loss.backward() by mistake: silent training on val
w=T.tensor(1.,requires_grad=True); o=T.optim.SGD([w],lr=.1); tr=(w-2)**2; va=(w-5)**2; o.zero_grad(); tr.backward(); g=w.grad.item(); va.backward(); print(g,w.grad.item())

## H4: eval() not undone by train()
m=T.nn.Dropout(.5); m.eval(); T.manual_seed(0); print(m.training, m(T.ones(4)))

## H5: average of batch means with unequal batches
x=T.arange(5.); print(x.mean().item(), T.stack([c.mean() for c in x.split(2)]).mean().item())

## H6: comparing floats with ==
x=T.tensor(0.1,requires_grad=True); y=x*3; print((y==0.3).item(), T.allclose(y,T.tensor(0.3)))

## H7: weights_only / state_dict alias: best weights
m=T.nn.Linear(1,1); best=m.state_dict(); b=best['weight'].clone()
with T.no_grad(): m.weight.add_(1)
print((best['weight']==b).item())

## B20: torch.Tensor(3) is an uninitialised size-3 tensor
print(T.Tensor(3).shape, T.tensor(3).shape)

## B20b: torch.Tensor([1.], requires_grad=True)
T.Tensor([1.],requires_grad=True)

## B21: params[0].grad: indexing makes a non-leaf
p=T.tensor([1.,0.],requires_grad=True); (p**2).sum().backward(); print(p[0].is_leaf, p[0].grad, p.grad[0])

## B22: unpacked w,b = params; w.grad
p=T.tensor([1.,0.],requires_grad=True); w,b=p; (w*2+b).backward(); print(w.grad,b.grad,p.grad)

## B23: forgot the parentheses: loss.backward
w=T.tensor(3.,requires_grad=True); l=w**2; l.backward; print(w.grad)

## B24: vector backward(ones) is J^T 1, not the Jacobian
x=T.tensor([1.,2.],requires_grad=True); y=T.stack([x[0]*x[1],x[0]**2,x[1]]); y.backward(T.ones(3)); print(x.grad); print(T.autograd.functional.jacobian(lambda x:T.stack([x[0]*x[1],x[0]**2,x[1]]),x.detach()))

## B25: backward inside no_grad works; the graph is built in forward
w=T.tensor(3.,requires_grad=True); l=w**2; print(l.grad_fn is not None)
with T.no_grad(): l.backward()
print(w.grad)

## B26: leaf that requires grad has grad_fn None; tensor that does not require grad is a leaf
w=T.ones(1,requires_grad=True); print(w.grad_fn,w.is_leaf,(T.ones(1)*2).is_leaf)

## C12: optimizer.zero_grad without parentheses
w=T.tensor(3.,requires_grad=True); o=T.optim.SGD([w],lr=0.)
for _ in range(3): o.zero_grad; (w**2).backward(); o.step()
print(w.grad.item())

## C13: w.zero_grad()
T.ones(1,requires_grad=True).zero_grad()

## C14: hidden state carried across steps without detach
w=T.tensor(.5,requires_grad=True); h=T.tensor(1.)
for i in range(2):
    h=T.tanh(w*h); ((h-1)**2).backward(); print('step',i)

## C14b: retain_graph=True as a cure: then the in-place error
w=T.tensor(.5,requires_grad=True); o=T.optim.SGD([w],lr=.1); h=T.tensor(1.)
for i in range(4):
    h=T.tanh(w*h); o.zero_grad(); ((h-1)**2).backward(retain_graph=True); o.step(); print('step',i)

## C14c: retain_graph=True without update: graph grows
w=T.tensor(.5,requires_grad=True); h=T.tensor(1.)
def size(t):
    seen=set(); s=[t.grad_fn]
    while s:
        f=s.pop()
        if f is None or f in seen: continue
        seen.add(f); s+=[g for g,_ in f.next_functions]
    return len(seen)
n=[]
for i in range(4):
    h=T.tanh(w*h); ((h-1)**2).backward(retain_graph=True); n.append(size(h))
print(n)

## D12: for p in params: p = p - lr*p.grad
P=[T.tensor(3.,requires_grad=True)]; (P[0]**2).backward()
with T.no_grad():
    for p in P: p=p-.1*p.grad
print(P[0].item())

## D13: m.weight = tensor
m=T.nn.Linear(1,1); m.weight=T.ones(1,1)

## D13b: m.weight -= g outside no_grad
m=T.nn.Linear(1,1); m.weight-=1

## D14: y = x; y += 1 also changes x (no copy)
x=T.ones(2); y=x; y+=1; print(x)

## D15: sqrt_ / pow in-place on a non-leaf needed later
w=T.ones(3,requires_grad=True); a=w*2; b=a**2; a.add_(1); b.sum().backward()

## D16: list[i] = ... buffer filled in place while used
w=T.ones(1,requires_grad=True); buf=T.zeros(3)
for i in range(1,3): buf[i]=buf[i-1].exp()*w[0]
buf.sum().backward()

## E10: no_grad around optimizer.step is already there; around backward harmless
w=T.tensor(3.,requires_grad=True); o=T.optim.SGD([w],lr=.1); (w**2).backward()
with T.no_grad(): o.step()
print(w.item())

## E11: clone() keeps the graph, detach() does not, detach().clone() is the copy
w=T.ones(1,requires_grad=True); print(w.clone().grad_fn, w.detach().data_ptr()==w.data_ptr(), w.detach().clone().data_ptr()==w.data_ptr())

## E12: loss.requires_grad_() as a cure for "does not require grad"
w=T.ones(3,requires_grad=True); l=((w.detach()*2-1)**2).mean().requires_grad_(); l.backward(); print(w.grad, l.grad)

## F11: gradient through int()/item() index path missing: partial
w=T.tensor(2.,requires_grad=True); y=w*w.item(); y.backward(); print(w.grad.item(),'not 4')

## F12: in-place clamp of parameter .data vs forward clamp
w=T.tensor(2.,requires_grad=True); T.clamp(w,0,1).backward(); print(w.grad)

## F13: double backward through custom Function that used detached maths
class S(T.autograd.Function):
    @staticmethod
    def forward(ctx,x): ctx.x=x.detach(); return x**3
    @staticmethod
    def backward(ctx,g): return g*3*ctx.x**2
x=T.tensor(2.,requires_grad=True); g,=T.autograd.grad(S.apply(x),x,create_graph=True); print(g.item(),g.requires_grad); T.autograd.grad(g,x)

## F14: forward returns input unchanged / non tensor
class S(T.autograd.Function):
    @staticmethod
    def forward(ctx,x): return x*2
    @staticmethod
    def backward(ctx,g): return None
x=T.ones(1,requires_grad=True); S.apply(x).backward(); print(x.grad)

## G14: optimizer.step without parentheses
w=T.tensor(3.,requires_grad=True); o=T.optim.SGD([w],lr=.1); (w**2).backward(); o.step; print(w.item())

## G15: wrong sign: gradient ascent
w=T.tensor(3.,requires_grad=True)
for _ in range(3):
    w.grad=None; l=w**2; l.backward()
    with T.no_grad(): w+=.1*w.grad
    print(round(l.item(),3),end=' ')

## G16: clip before backward / after step
w=T.tensor(3.,requires_grad=True); print(T.nn.utils.clip_grad_norm_([w],1.)); (w**2).backward(); print(w.grad)

## G17: weight_decay in SGD is L2 in the gradient; AdamW is decoupled
for O in (T.optim.Adam,T.optim.AdamW):
    w=T.tensor(3.,requires_grad=True); o=O([w],lr=.1,weight_decay=.5); w.grad=T.tensor(0.); o.step(); print(O.__name__,w.item())

## G18: closure not re-zeroed (LBFGS)
w=T.tensor(3.,requires_grad=True); o=T.optim.LBFGS([w],lr=1.)
def c(): l=(w-1)**2; l.backward(); return l
o.step(c); print(w.item())
w=T.tensor(3.,requires_grad=True); o=T.optim.LBFGS([w],lr=1.)
def c(): o.zero_grad(); l=(w-1)**2; l.backward(); return l
o.step(c); print(w.item())

## G19: MSELoss (4,1) vs (4,) different values
p=T.arange(4.).view(4,1).requires_grad_(); t=T.arange(4.); print(T.nn.MSELoss()(p,t).item(),T.nn.MSELoss()(p[:,0],t).item())

## G20: nn.MSELoss(pred,target) called on the class
T.nn.MSELoss(T.ones(1),T.ones(1)).backward()

## G21: optimizer.param_groups lr edit via attribute
w=T.tensor(3.,requires_grad=True); o=T.optim.SGD([w],lr=.1); o.lr=1.; (w**2).backward(); o.step(); print(w.item())

## H8: validation forward without no_grad: graph alive
w=T.ones(1,requires_grad=True); v=(w*2).sum(); print(v.requires_grad)
with T.no_grad(): v=(w*2).sum()
print(v.requires_grad)

## H9: set_grad_enabled(is_train) as a context restores state
with T.set_grad_enabled(False): print(T.is_grad_enabled())
print(T.is_grad_enabled())

## H10: exact == on gradients
x=T.linspace(.1,1,7); w=T.tensor(.7,requires_grad=True); ((w*x-1)**2).mean().backward(); man=(2*x*(w.detach()*x-1)).mean(); print((man==w.grad).item(), T.allclose(man,w.grad), (man-w.grad).item())
"""


def parts():
    for block in re.split(r"^## ", CASES, flags=re.MULTILINE)[1:]:
        title, code = block.split("\n", 1)
        yield pytest.param(code, id=title.split(":")[0])


def behaviour(T, code):
    """What a case prints, warns and raises, without addresses, module paths and stacks, in which the two have to differ."""
    printed, error = io.StringIO(), None
    program = "def case():\n" + textwrap.indent(code, "    ") + "\ncase()\n"
    Warned.seen.clear()
    T.manual_seed(0)
    T.set_warn_always(True)
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
        warnings.simplefilter("always")
        try:
            exec(program, {"T": T, "np": np, "warnings": warnings, "__name__": "__main__"})
        except Exception as raised:
            error = (type(raised).__name__, str(raised))
        finally:
            T.set_grad_enabled(True)
            T.set_warn_always(False)
    text = re.sub("0x[0-9a-f]+", "0x", printed.getvalue())
    stack = re.compile(r"Traceback of forward call.*?\n (?=\(Trig)", re.DOTALL)
    return text, [(w.category.__name__, stack.sub("", str(w.message))) for w in caught], error


@pytest.mark.parametrize("code", list(parts()))
def test_same_words(code):
    assert behaviour(handtorch, code) == behaviour(torch, code)
