"""Modules that people measure, written by hand: each in the plain form of its recurrence."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Scan(nn.Module):
    """A selective state space model: gates from the input, its scan a loop over time."""

    def __init__(self, features: int = 16, width: int = 32, states: int = 16) -> None:
        super().__init__()
        self.input_size = features
        self.enter, self.leave = nn.Linear(features, width), nn.Linear(width, features)
        self.step = nn.Linear(width, width)
        self.write, self.read = nn.Linear(width, states), nn.Linear(width, states)
        self.log_rate = nn.Parameter(torch.arange(1.0, states + 1).log().repeat(width, 1))
        self.skip = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        u = self.enter(x)
        step = nn.functional.softplus(self.step(u))
        write, read = self.write(u), self.read(u)
        keep = torch.exp(-step.unsqueeze(-1) * self.log_rate.exp())  # (T, B, width, states)
        added = (step * u).unsqueeze(-1) * write.unsqueeze(2)
        state, outputs = torch.zeros_like(added[0]), []
        for t in range(len(x)):
            state = keep[t] * state + added[t]
            outputs.append((state * read[t].unsqueeze(1)).sum(-1))
        return self.leave(torch.stack(outputs) + self.skip * u)


class Attention(nn.Module):
    """One layer of causal attention, its matrix of weights written out."""

    def __init__(self, width: int = 16, heads: int = 4) -> None:
        super().__init__()
        self.input_size, self.heads = 1, heads
        self.enter, self.leave = nn.Linear(1, width), nn.Linear(width, width)
        self.project = nn.Linear(width, 3 * width)

    def forward(self, x: Tensor) -> Tensor:
        h = self.enter(x)
        steps, batch, width = h.shape
        parts = self.project(h).reshape(steps, batch, 3, self.heads, -1).permute(2, 1, 3, 0, 4)
        query, key, value = parts  # (B, heads, T, width / heads)
        scores = query @ key.transpose(-1, -2) / math.sqrt(width // self.heads)
        future = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
        weights = scores.masked_fill(future, -math.inf).softmax(-1)
        return h + self.leave((weights @ value).permute(2, 0, 1, 3).reshape(h.shape))


class Cells(nn.Module):
    """A torch.nn.GRUCell called step by step."""

    def __init__(self, width: int = 20) -> None:
        super().__init__()
        self.input_size, self.width = 1, width
        self.cell = nn.GRUCell(1, width)

    def forward(self, x: Tensor) -> Tensor:
        state, outputs = x.new_zeros(x.shape[1], self.width), []
        for step in x:
            state = self.cell(step, state)
            outputs.append(state)
        return torch.stack(outputs)


class Fourier(nn.Module):
    """A convolution over all steps by Fourier transforms."""

    def __init__(self, width: int = 20, length: int = 1000) -> None:
        super().__init__()
        self.input_size = 1
        self.enter, self.leave = nn.Linear(1, width), nn.Linear(width, width)
        decay = torch.exp(-torch.arange(length) / 200).unsqueeze(1)
        self.kernel = nn.Parameter(torch.randn(length, width) * decay / length**0.5)

    def forward(self, x: Tensor) -> Tensor:
        steps = len(x)
        signal = torch.fft.rfft(self.enter(x), 2 * steps, dim=0)
        kernel = torch.fft.rfft(self.kernel[:steps], 2 * steps, dim=0).unsqueeze(1)
        convolved = torch.fft.irfft(signal * kernel, 2 * steps, dim=0)[:steps]
        return self.leave(nn.functional.gelu(convolved))


class Convolutions(nn.Module):
    """Nine causal convolutions of dilations 1..256."""

    def __init__(self, width: int = 20) -> None:
        super().__init__()
        self.input_size = 1
        sizes = [1, *[width] * 8]
        self.layers = nn.ModuleList(
            nn.Conv1d(size, width, 2, dilation=2**i) for i, size in enumerate(sizes)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(1, 2, 0)
        for layer in self.layers:
            x = torch.tanh(layer(nn.functional.pad(x, (layer.dilation[0], 0))))
        return x.permute(2, 0, 1)


class LinearRecurrence(nn.Module):
    """A linear recurrent unit: a complex diagonal recurrence, a loop over time."""

    def __init__(self, width: int = 20, states: int = 32) -> None:
        super().__init__()
        self.input_size = 1
        size, angle = 0.89 + 0.1 * torch.rand(states), 2 * math.pi * torch.rand(states)
        self.decay = nn.Parameter(torch.polar(size, angle))
        self.enter = nn.Parameter(torch.randn(states, 1, dtype=torch.complex64))
        self.leave = nn.Parameter(torch.randn(width, states, dtype=torch.complex64) / states**0.5)

    def forward(self, x: Tensor) -> Tensor:
        added = x.to(self.enter.dtype) @ self.enter.T
        state, states = torch.zeros_like(added[0]), []
        for step in added:
            state = self.decay * state + step
            states.append(state)
        return (torch.stack(states) @ self.leave.T).real


MODULES = {
    "scan": Scan,
    "attention": Attention,
    "GRUCell loop": Cells,
    "FFT convolution": Fourier,
    "TCN": Convolutions,
    "LRU": LinearRecurrence,
}
