"""Text as masks, in any script: eleven families, Noto behind them, shaped by HarfBuzz. `line` is the way in."""
