// A price for a million tokens or an hour: as it was stated, with two digits at least.
export function price(value: number, currency: string): string {
  try { return new Intl.NumberFormat("en", { style: "currency", currency, maximumFractionDigits: 8 }).format(value); } catch { return `${value} ${currency}`; }
}

// An amount in its currency; small ones keep three digits that mean something.
export function money(value: number, currency: string): string {
  const small = value !== 0 && Math.abs(value) < 0.01;
  try { return new Intl.NumberFormat("en", { style: "currency", currency, ...(small ? { maximumSignificantDigits: 3 } : {}) }).format(value); } catch { return `${Number(value.toPrecision(3))} ${currency}`; }
}
