"""Models of many kinds, as people write them, with one to three faults in each.

A line that is to be reported ends in the code, and in a piece of what is to be suggested there.
"""

from __future__ import annotations

ARCHITECTURES = {
    "a stack of dilated convolutions": """
        class Block(nn.Module):
            def __init__(self, c, d):
                super().__init__()
                self.conv = nn.Conv1d(c, 2 * c, 3, padding=d, dilation=d)
                self.out = nn.Conv1d(c, c, 1)

            def forward(self, x):
                a, b = self.conv(x).chunk(2, 1)
                return x + self.out(a.tanh() * b.sigmoid())

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.stem = nn.Conv1d(4, 16, 1)
                self.b1, self.b2 = Block(16, 1), Block(16, 2)
                self.causal = nn.Conv1d(16, 16, 3, padding=2)
                self.head = nn.Linear(17, 5)

            def forward(self, x):
                x = self.stem(x.transpose(1, 2))
                x = self.b2(self.b1(x))
                x = x + self.causal(x)  # SKL101 padding=1 in causal
                return self.head(x.mean(-1))  # SKL102 build head with 16 input features

        inputs = (torch.zeros(2, 50, 4),)
        """,
    "convolutions over words": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.emb = nn.Embedding(30, 16)
                self.convs = nn.ModuleList([nn.Conv1d(16, 8, k, padding=k // 2) for k in (3, 5, 7)])
                self.head = nn.Linear(24, 2)

            def forward(self, x):
                x = self.emb(x)
                ys = [torch.relu(c(x)).max(-1).values for c in self.convs]  # SKL102 give it 2x16x20: emb is
                return self.head(torch.cat(ys, 1))

        inputs = (torch.zeros(2, 20, dtype=torch.long),)
        """,
    "a U-Net of volumes": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.d1 = nn.Sequential(nn.Conv3d(1, 8, 3, padding=1), nn.InstanceNorm3d(8), nn.LeakyReLU())
                self.c2, self.d2 = nn.Conv3d(8, 16, 3, padding=1), nn.BatchNorm3d(8)
                self.up = nn.ConvTranspose3d(16, 8, 3, stride=2, padding=1)
                self.dec = nn.Conv3d(16, 2, 1)

            def forward(self, x):
                a = self.d1(x)
                b = self.d2(self.c2(F.max_pool3d(a, 2)))  # SKL102 build d2 for 16 channels
                u = self.up(b)
                return self.dec(torch.cat((u, a), dim=1))  # SKL101 resample up with F.interpolate

        inputs = (torch.zeros(1, 1, 16, 16, 16),)
        """,
    "attention in einsum": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.wq = nn.Parameter(torch.zeros(16, 4, 4))
                self.wk = nn.Parameter(torch.zeros(16, 4, 5))
                self.wv = nn.Parameter(torch.zeros(16, 4, 4))
                self.wo = nn.Parameter(torch.zeros(4, 4, 18))
                self.ln = nn.LayerNorm(16)

            def forward(self, x):
                h = self.ln(x)
                q = torch.einsum("btc,chd->bhtd", h, self.wq)
                k = torch.einsum("btc,chd->bhtd", h, self.wk)
                v = torch.einsum("btc,chd->bhtd", h, self.wv)
                s = torch.einsum("bhqd,bhkd->bhqk", q, k)  # SKL102 let einsum_1 give 2x4x9x4
                o = torch.einsum("bhqk,bhkd->bqhd", s.softmax(-1), v)
                o = torch.einsum("bqhd,hdc->bqc", o, self.wo)
                return x + o  # SKL101 nn.Linear(18, 16)

        inputs = (torch.zeros(2, 9, 16),)
        """,
    "a selective state space": """
        class Net(nn.Module):
            def __init__(self, d=8, n=4, r=2):
                super().__init__()
                e = 2 * d
                self.d, self.e, self.n, self.r = d, e, n, r
                self.norm = nn.LayerNorm(d)
                self.inp = nn.Linear(d, 2 * e)
                self.conv = nn.Conv1d(e, e, 4, padding=3, groups=e)
                self.xp = nn.Linear(e, r + 2 * n + 1)
                self.dt = nn.Linear(r, e)
                self.A = nn.Parameter(torch.zeros(e, n))
                self.D = nn.Parameter(torch.ones(e))
                self.out = nn.Linear(e, d + 1)

            def forward(self, x):
                b, t, _ = x.shape
                res = x
                x, z = self.inp(self.norm(x)).chunk(2, -1)
                x = self.conv(x.transpose(1, 2))[..., :t].transpose(1, 2)
                x = F.silu(x)
                dt, B, C = self.xp(x).split([self.r, self.n, self.n], -1)  # SKL102 build xp with 10 output
                dt = F.softplus(self.dt(dt))
                A = -self.A.exp()
                h = torch.zeros(b, self.e, self.n)
                ys = []
                for i in range(t):
                    dA = torch.exp(dt[:, i, :, None] * A)
                    dB = dt[:, i, :, None] * B[:, i, None, :]
                    h = dA * h + dB * x[:, i, :, None]
                    ys.append((h * C[:, i, None, :]).sum(-1))
                y = torch.stack(ys, 1) + x * self.D
                return res + self.out(y * F.silu(z))  # SKL101 build out with out_features=8

        inputs = (torch.zeros(2, 6, 8),)
        """,
    "messages along edges": """
        class Layer(nn.Module):
            def __init__(self, i, o):
                super().__init__()
                self.msg, self.upd = nn.Linear(2 * i, o), nn.Linear(i + o, o)

            def forward(self, x, src, dst):
                m = torch.relu(self.msg(torch.cat([x[src], x[dst]], -1)))
                agg = torch.zeros(x.shape[0], m.shape[1]).index_add(0, dst, m)
                return self.upd(torch.cat([x, agg], -1))

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.l1, self.l2 = Layer(5, 16), Layer(16, 16)
                self.skip = nn.Linear(5, 15)
                self.gate = nn.Linear(16, 1)
                self.head = nn.Linear(33, 2)

            def forward(self, x, edges):
                src, dst = edges
                h = torch.relu(self.l1(x, src, dst))
                h2 = self.l2(h, src, dst) + self.skip(x)  # SKL101 build skip with out_features=16
                w = self.gate(h2).softmax(0)
                g = torch.cat([(w * h2).sum(0), h.mean(0)])
                return self.head(g)  # SKL102 build head with 32 input features

        inputs = (torch.zeros(7, 5), torch.zeros(2, 12, dtype=torch.long))
        """,
    "a decoder that attends": """
        class Net(nn.Module):
            def __init__(self, v=20, e=12, h=16):
                super().__init__()
                self.emb = nn.Embedding(v, e)
                self.enc = nn.GRU(e, h, batch_first=True, bidirectional=True)
                self.bridge = nn.Linear(h, h)
                self.cell = nn.GRUCell(e + h, h)
                self.score = nn.Linear(2 * h, h)
                self.out = nn.Linear(3 * h, v)

            def forward(self, src, tgt):
                mem, hn = self.enc(self.emb(src))
                h = torch.tanh(self.bridge(torch.cat([hn[0], hn[1]], 1)))  # SKL102 build bridge with 32
                keys = self.score(mem)
                outs = []
                for t in range(tgt.shape[1]):
                    a = torch.bmm(keys, h.unsqueeze(2)).squeeze(2).softmax(1)
                    ctx = torch.bmm(a.unsqueeze(1), mem).squeeze(1)
                    h = self.cell(torch.cat([self.emb(tgt[:, t]), ctx], 1), h)  # SKL102 build cell with 44
                    outs.append(self.out(torch.cat([h, ctx], 1)))
                return torch.stack(outs, 1)

        inputs = (torch.zeros(2, 7, dtype=torch.long), torch.zeros(2, 4, dtype=torch.long))
        """,
    "a mixer of patches": """
        class Mlp(nn.Module):
            def __init__(self, d, h):
                super().__init__()
                self.a, self.b = nn.Linear(d, h), nn.Linear(h, d)

            def forward(self, x):
                return self.b(F.gelu(self.a(x)))

        class Mix(nn.Module):
            def __init__(self, n, d):
                super().__init__()
                self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
                self.tok, self.ch = Mlp(n, 2 * n), Mlp(d, 4 * d)

            def forward(self, x):
                x = x + self.tok(self.n1(x).transpose(1, 2))  # SKL101 with transpose(1, 2)
                return x + self.ch(self.n2(x))

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.patch = nn.Conv2d(3, 24, 8, 8)
                self.b = nn.Sequential(Mix(16, 24), Mix(16, 24))
                self.head = nn.Linear(24, 3)

            def forward(self, x):
                x = self.patch(x).flatten(2).transpose(1, 2)
                return self.head(self.b(x).mean(1))

        inputs = (torch.zeros(1, 3, 32, 32),)
        """,
    "attention in windows": """
        class W(nn.Module):
            def __init__(self, d, w, heads):
                super().__init__()
                self.w, self.h, self.d = w, heads, d
                self.norm = nn.LayerNorm(d)
                self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
                self.bias = nn.Parameter(torch.zeros(heads, w * w, w * w + 1))
                self.n2, self.f1, self.f2 = nn.LayerNorm(d), nn.Linear(d, 4 * d), nn.Linear(3 * d, d)

            def forward(self, x):
                b, H, W, c = x.shape
                w = self.w
                y = self.norm(x)
                y = y.view(b, H // w, w, W // w, w, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, w * w, c)
                y = self.qkv(y).reshape(y.shape[0], w * w, 3, self.h, c // self.h)
                q, k, v = y.permute(2, 0, 3, 1, 4)
                a = q @ k.transpose(-2, -1) / math.sqrt(c // self.h)
                a = (a + self.bias).softmax(-1)  # SKL101 give b.bias the shape 4x16x16
                y = self.proj((a @ v).transpose(1, 2).reshape(-1, w * w, c))
                y = y.view(b, H // w, W // w, w, w, c).permute(0, 1, 3, 2, 4, 5).reshape(b, H, W, c)
                x = x + y
                return x + self.f2(F.gelu(self.f1(self.n2(x))))  # SKL102 build b.f2 with 64 input features

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.patch = nn.Conv2d(3, 16, 4, 4)
                self.b = W(16, 4, 4)
                self.merge = nn.Linear(64, 32)
                self.head = nn.Linear(32, 3)

            def forward(self, x):
                x = self.b(self.patch(x).permute(0, 2, 3, 1))
                x = torch.cat([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], -1)
                return self.head(self.merge(x).mean((1, 2)))

        inputs = (torch.zeros(1, 3, 32, 32),)
        """,
    "latents that attend to the input": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.lat = nn.Parameter(torch.zeros(6, 32))
                self.inp = nn.Linear(5, 24)
                self.cross = nn.MultiheadAttention(32, 4, kdim=24, vdim=20, batch_first=True)
                self.self_ = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
                self.head = nn.Linear(6 * 31, 3)

            def forward(self, x):
                b = x.shape[0]
                m = self.inp(x)
                z = self.lat.expand(b, -1, -1)
                z = z + self.cross(z, m, m, need_weights=False)[0]  # SKL102 build cross with vdim=24
                z = self.self_(z)
                return self.head(z.flatten(1))  # SKL102 build head with 192 input features

        inputs = (torch.zeros(2, 40, 5),)
        """,
    "channels last for a while": """
        class B(nn.Module):
            def __init__(self, d):
                super().__init__()
                self.dw = nn.Conv2d(d, d, 7, padding=2, groups=d)
                self.n = nn.LayerNorm(d)
                self.f1, self.f2 = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)
                self.g = nn.Parameter(torch.ones(d))

            def forward(self, x):
                y = self.dw(x).permute(0, 2, 3, 1)
                y = self.f2(F.gelu(self.f1(self.n(y))))
                y = (self.g * y).permute(0, 3, 1, 2)
                return x + y  # SKL101 padding=3 in b.dw

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.stem = nn.Conv2d(3, 16, 4, 4)
                self.n = nn.LayerNorm(16)
                self.b = B(16)
                self.head = nn.Linear(16, 3)

            def forward(self, x):
                x = self.n(self.stem(x))  # SKL102 turn what comes out back with movedim(-1, 1)
                return self.head(self.b(x).mean((2, 3)))

        inputs = (torch.zeros(1, 3, 128, 128),)
        """,
    "a gate without its axes, and a stride": """
        class SE(nn.Module):
            def __init__(self, c):
                super().__init__()
                self.a, self.b = nn.Linear(c, c // 4), nn.Linear(c // 4, c)

            def forward(self, x):
                s = F.adaptive_avg_pool2d(x, 1).flatten(1)
                return x * torch.sigmoid(self.b(torch.relu(self.a(s))))  # SKL101 its missing axes: 2x16x1x1

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.c1, self.se = nn.Conv2d(3, 16, 3, padding=1), SE(16)
                self.c2 = nn.Conv2d(16, 16, 3, stride=2, padding=1)
                self.head = nn.Linear(16, 3)

            def forward(self, x):
                x = self.se(torch.relu(self.c1(x)))
                x = self.c2(x) + x  # SKL101 from c1: nn.Conv2d(16, 16, kernel_size=1, stride=2)
                return self.head(x.mean((-1, -2)))

        inputs = (torch.zeros(2, 3, 32, 32),)
        """,
    "positions that forget the class token": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.patch = nn.Conv2d(3, 32, 8, 8)
                self.cls = nn.Parameter(torch.zeros(1, 1, 32))
                self.pos = nn.Parameter(torch.zeros(1, 16, 32))
                layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, norm_first=True)
                self.b = nn.ModuleList([layer])
                self.head = nn.Linear(32, 3)

            def forward(self, x):
                x = self.patch(x).flatten(2).transpose(1, 2)
                x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1)
                x = x + self.pos  # SKL101 give pos the shape 1x17x32
                for b in self.b:
                    x = b(x)
                return self.head(x[:, 0])

        inputs = (torch.zeros(2, 3, 32, 32),)
        """,
    "a list of features": """
        class Net(nn.Module):
            def __init__(self, n=4, d=8):
                super().__init__()
                self.layers = nn.ModuleList([nn.Linear(d * (i + 1), d) for i in range(n)])
                self.layers[2] = nn.Linear(20, 8)
                self.norms = nn.ModuleList([nn.LayerNorm(d) for _ in range(n)])
                self.norms[1] = nn.LayerNorm(9)
                self.head = nn.Linear(d * n, 3)

            def forward(self, x):
                feats = [x]
                for layer, norm in zip(self.layers, self.norms):
                    y = layer(torch.cat(feats, -1))  # SKL102 build layers.2 with 24 input features
                    feats.append(torch.relu(norm(y)))  # SKL102 build norms.1 for 8 features
                return self.head(torch.cat(feats, -1))  # SKL102 build head with 40 input features

        inputs = (torch.zeros(2, 8),)
        """,
    "a pyramid of named features": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.stages = nn.ModuleDict({
                    "c2": nn.Conv2d(3, 16, 3, 2, 1),
                    "c3": nn.Conv2d(16, 32, 3, 2, 1),
                    "c4": nn.Conv2d(32, 64, 3, 2, 1),
                })
                self.lateral = nn.ModuleDict({
                    "c2": nn.Conv2d(16, 24, 1),
                    "c3": nn.Conv2d(32, 20, 1),
                    "c4": nn.Conv2d(64, 24, 1),
                })
                self.smooth = nn.ModuleDict({k: nn.Conv2d(24, 24, 3, padding=1) for k in self.lateral})
                self.head = nn.Conv2d(24 * 2, 5, 1)

            def forward(self, x):
                feats = {}
                for name, stage in self.stages.items():
                    x = torch.relu(stage(x))
                    feats[name] = x
                out, top = {}, None
                for name in reversed(list(feats)):
                    lat = self.lateral[name](feats[name])
                    if top is not None:
                        top = F.interpolate(top, scale_factor=2)
                        lat = lat + top  # SKL101 build lateral.c3 with out_channels=24
                    top = lat
                    out[name] = self.smooth[name](top)
                size = out["c2"].shape[-2:]
                maps = [F.interpolate(m, size=size, mode="bilinear") for m in out.values()]
                return self.head(torch.cat(maps, 1))  # SKL102 build head with 72 input channels

        inputs = (torch.zeros(1, 3, 64, 64),)
        """,
}
