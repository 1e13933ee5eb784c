"""Models in styles that the generator of networks does not have, with faults in them.

A line that is to be reported ends in the code, and in a piece of what is to be suggested there.
"""

from __future__ import annotations

RECURRENT = {
    "an encoder and a decoder": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.embed = nn.Linear(6, 8)
                self.encoder = nn.LSTM(10, 12, num_layers=2, bidirectional=True, batch_first=True)
                self.decoder = nn.GRU(input_size=20, hidden_size=6)
                self.head = nn.Linear(7, 3)

            def forward(self, x):
                x, _ = self.encoder(self.embed(x))  # SKL102 build encoder with 8 input features
                x, _ = self.decoder(x.transpose(0, 1))  # SKL102 build decoder with 24 input features
                return self.head(x[-1])  # SKL102 build head with 6 input features

        inputs = (torch.zeros(2, 5, 6),)
        """,
    "a state of another width": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.encoder = nn.GRU(6, 16, batch_first=True)
                self.decoder = nn.GRU(6, 12, batch_first=True)
                self.head = nn.Linear(12, 3)

            def forward(self, x):
                _, state = self.encoder(x)
                x, _ = self.decoder(x, state)  # SKL102 build decoder with hidden_size=16
                return self.head(x)

        inputs = (torch.zeros(2, 5, 6),)
        """,
    "cells": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.cell = nn.LSTMCell(6, 12)
                self.head = nn.Linear(12, 3)

            def forward(self, x):
                state = torch.zeros(x.shape[0], 10)
                hidden, _ = self.cell(x, (state, state))  # SKL102 build cell with hidden_size=10
                return self.head(hidden)

        inputs = (torch.zeros(2, 6),)
        """,
}

JOINS = {
    "stacks by name": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.left, self.right = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(3, 8, 3)
                self.mix = nn.Conv2d(15, 6, 1)
                self.narrow, self.wide = nn.Linear(6, 8), nn.Linear(6, 9)
                self.head = nn.Linear(8, 2)

            def forward(self, x):
                x = torch.hstack([self.left(x), self.right(x)])  # SKL101 padding=1 in right
                x = self.mix(x)  # SKL102 build mix with 16 input channels
                x = x.mean((2, 3))
                x = torch.vstack([self.narrow(x), self.wide(x)])  # SKL101 build wide with out_features=8
                return self.head(x)

        inputs = (torch.zeros(2, 3, 16, 16),)
        """,
    "a mask of another length": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.qkv, self.out = nn.Linear(8, 24), nn.Linear(9, 8)
                self.register_buffer("past", torch.ones(4, 4).tril().bool())

            def forward(self, x, mask):
                q, k, v = self.qkv(x).chunk(3, -1)
                a = q @ k.transpose(1, 2)
                a = a.masked_fill(mask, -1e9)  # SKL101 give input/mask the shape 2x5x5
                a = torch.where(self.past, a, torch.tensor(-1e9))  # SKL101 give past the shape 5x5
                return self.out(a.softmax(-1) @ v)  # SKL102 build out with 8 input features

        inputs = (torch.zeros(2, 5, 8), torch.zeros(2, 5, 4, dtype=torch.bool))
        """,
    "layer scales": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv, self.after = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(9, 8, 1)
                self.scale, self.shift = nn.Parameter(torch.ones(6, 1, 1)), nn.Parameter(torch.zeros(8))

            def forward(self, x):
                x = x + self.scale * self.conv(x)  # SKL101 give scale the shape 8x1x1
                x = self.shift + x  # SKL101 give shift the shape 8x1x1
                return self.after(x)  # SKL102 build after with 8 input channels

        inputs = (torch.zeros(2, 8, 16, 16),)
        """,
    "a gate without its axes": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv, self.gate = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 8)

            def forward(self, x):
                x = self.conv(x)
                gate = self.gate(x.mean((2, 3))).sigmoid()
                return x * gate  # SKL101 give gate its missing axes: 2x8x1x1

        inputs = (torch.zeros(2, 3, 16, 16),)
        """,
}

PADDINGS = {
    name: f"""
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = {conv}

            def forward(self, x):
                return x + self.conv(x)  # SKL101 {padding} in conv

        inputs = (torch.zeros({shape}),)
        """
    for name, conv, padding, shape in (
        ("an oblong kernel", "nn.Conv2d(8, 8, (3, 5))", "padding=(1, 2)", "2, 8, 16, 16"),
        ("half of the padding", "nn.Conv2d(8, 8, (3, 5), padding=(1, 0))", "padding=(1, 2)", "2, 8, 16, 16"),
        ("too little", "nn.Conv2d(8, 8, 5, padding=1)", "padding=2", "2, 8, 16, 16"),
        ("too much", "nn.Conv2d(8, 8, 3, padding=2)", "padding=1", "2, 8, 16, 16"),
        ("dilated", "nn.Conv2d(8, 8, 3, padding=1, dilation=2)", "padding=2", "2, 8, 16, 16"),
        ("one axis", "nn.Conv1d(8, 8, 7, padding=(2,))", "padding=3", "2, 8, 64"),
        ("three axes", "nn.Conv3d(8, 8, (1, 3, 3))", "padding=(0, 1, 1)", "1, 8, 4, 8, 8"),
    )
}

LAYERS = {
    "shuffles": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.up, self.after = nn.Conv2d(3, 10, 3, padding=1), nn.Conv2d(3, 12, 1)
                self.deal, self.head = nn.ChannelShuffle(5), nn.Conv2d(12, 3, 1)

            def forward(self, x):
                x = F.pixel_shuffle(self.up(x), 2)  # SKL102 build up with 12 output channels
                x = self.deal(self.after(x))  # SKL102 build after with 10 output channels
                x = self.head(x)
                return F.pixel_unshuffle(x[:, :, 1:], 2)  # SKL102 crop or pad the input to 30x32

        inputs = (torch.zeros(2, 3, 16, 16),)
        """,
    "attention across": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.embed = nn.Linear(6, 16)
                self.attend = nn.MultiheadAttention(16, 4, batch_first=True)
                self.head = nn.Linear(15, 3)

            def forward(self, x, memory):
                x = self.embed(x)
                x = x + self.attend(x, memory, memory)[0]  # SKL102 kdim=12 and vdim=12
                return self.head(x)  # SKL102 build head with 16 input features

        inputs = (torch.zeros(2, 5, 6), torch.zeros(2, 7, 12))
        """,
    "parts that do not add up": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.split, self.chunks = nn.Linear(8, 30), nn.Linear(8, 22)
                self.after = nn.Linear(8, 8)

            def forward(self, x):
                a, b, c = self.split(x).split([8, 8, 16], -1)  # SKL102 build split with 32 output features
                q, k, v = self.chunks(a + b).chunk(3, -1)
                x = (q @ k.transpose(1, 2)) @ v
                return self.after(x), c  # SKL102 build after with 6 input features

        inputs = (torch.zeros(2, 5, 8),)
        """,
}
