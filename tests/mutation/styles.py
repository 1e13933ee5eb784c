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
    "a branch that two sums need wider": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.first, self.side = nn.Linear(6, 16), nn.Linear(6, 15)
                self.second, self.third = nn.Linear(16, 16), nn.Linear(16, 16)

            def forward(self, x):
                side = self.side(x)
                x = self.second(torch.relu(self.first(x))) + side  # SKL101 build side with out_features=16
                return self.third(x) + side

        inputs = (torch.zeros(2, 5, 6),)
        """,
    "a factor and a term from one layer": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv, self.after = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
                self.film = nn.Linear(5, 30)

            def forward(self, x, condition):
                scale, shift = self.film(condition).chunk(2, 1)
                x = self.conv(x) * (1 + scale[:, :, None, None])  # SKL101 build film with out_features=32
                x = x + shift[:, :, None, None]
                return x + self.after(torch.relu(x))

        inputs = (torch.zeros(2, 3, 16, 16), torch.zeros(2, 5))
        """,
    "a table of angles": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.query, self.pair = nn.Linear(16, 16), nn.Bilinear(16, 9, 2)
                self.register_buffer("angles", torch.ones(5, 3))

            def forward(self, x):
                q = self.query(x).view(2, 5, 4, 4).transpose(1, 2)
                q = q * self.angles  # SKL101 give angles the shape 5x4
                q = q.transpose(1, 2).flatten(2)
                return self.pair(q, x)  # SKL102 build pair with 16 input features

        inputs = (torch.zeros(2, 5, 16),)
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

NARROW = {
    "an embedding before an encoder that normalises last": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.embed, self.head = nn.Embedding(20, 12), nn.Linear(16, 3)
                layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
                self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

            def forward(self, x):
                x = self.encoder(self.embed(x))  # SKL102 build embed with 16 output features
                return self.head(x)

        inputs = (torch.zeros(2, 5, dtype=torch.long),)
        """,
    "an embedding before an encoder that normalises first": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.embed, self.head = nn.Linear(6, 12), nn.Linear(16, 3)
                layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, norm_first=True)
                self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

            def forward(self, x):
                x = self.encoder(self.embed(x))  # SKL102 build embed with 16 output features
                return self.head(x)

        inputs = (torch.zeros(2, 5, 6),)
        """,
    "attention of its own width": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.embed, self.head = nn.Linear(6, 12), nn.Linear(12, 3)
                self.attend, self.norm = nn.MultiheadAttention(16, 4, batch_first=True), nn.LayerNorm(12)

            def forward(self, x):
                x = self.embed(x)
                x = x + self.attend(x, x, x)[0]  # SKL102 with 12 input features instead of 16
                return self.head(self.norm(x))

        inputs = (torch.zeros(2, 5, 6),)
        """,
    "a wide stem": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.stem = nn.Conv2d(3, 24, 3, padding=1)
                self.conv1, self.conv2 = nn.Conv2d(16, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
                self.head = nn.Linear(16, 3)

            def forward(self, x):
                x = torch.relu(self.stem(x))
                y = torch.relu(self.conv1(x))  # SKL102 build stem with 16 output channels
                x = torch.relu(x + self.conv2(y))
                return self.head(x.mean((2, 3)))

        inputs = (torch.zeros(2, 3, 16, 16),)
        """,
    "two layers of the same wrong number after a norm": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.norm, self.out = nn.LayerNorm(8), nn.Linear(8, 8)
                self.q, self.k, self.v = nn.Linear(9, 8), nn.Linear(9, 8), nn.Linear(8, 8)

            def forward(self, x):
                h = self.norm(x)
                q = self.q(h)  # SKL102 build q with 8 input features
                k = self.k(h)  # SKL102 build k with 8 input features
                return x + self.out((q @ k.transpose(1, 2)) @ self.v(h))

        inputs = (torch.zeros(2, 5, 8),)
        """,
}

LOOPS = {
    "a cell, and a layer on its states": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.cell, self.head = nn.GRUCell(5, 8), nn.Linear(9, 3)

            def forward(self, x):
                state, made = torch.zeros(x.shape[0], 8), []
                for step in x.unbind(1):
                    state = self.cell(step, state)  # SKL102 build cell with 6 input features
                    made.append(self.head(state))  # SKL102 build head with 8 input features
                return torch.stack(made, 1)

        inputs = (torch.zeros(2, 5, 6),)
        """,
    "crops": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.down = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(3))
                self.up = nn.ModuleList(nn.ConvTranspose2d(8, 8, 2, 2) for _ in range(3))
                self.mix = nn.ModuleList(nn.Conv2d(16, 8, 3, padding=1) for _ in range(3))

            def forward(self, x):
                skips = []
                for down in self.down:
                    skips.append(torch.relu(down(x)))
                    x = F.max_pool2d(skips[-1], 2)
                for up, mix in zip(self.up, self.mix):
                    x, skip = up(x), skips.pop()[:, :, 1:-1, 1:-1]
                    x = mix(torch.cat([x, skip], 1))  # SKL101 crop both to one size
                return x

        inputs = (torch.zeros(2, 8, 64, 64),)
        """,
}
