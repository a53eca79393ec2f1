#!/usr/bin/env python3
"""Makes the shop database and tells a data folder of it: load.py DATA_FOLDER [--seed N]

The same seed gives the same rows. DATA_FOLDER/tools.json is written where there is none; one that is there is only printed what to add to.
Read at start: start strata (again) afterwards.
"""
import argparse, datetime, json, pathlib, random, sqlite3

HERE = pathlib.Path(__file__).resolve().parent
TABLES = """
CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL, country TEXT NOT NULL, joined TEXT NOT NULL);
CREATE TABLE products(id INTEGER PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL, price REAL NOT NULL, stock INTEGER NOT NULL);
CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id), day TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE order_items(order_id INTEGER NOT NULL REFERENCES orders(id), product_id INTEGER NOT NULL REFERENCES products(id), quantity INTEGER NOT NULL,
  price REAL NOT NULL);
CREATE TABLE reviews(product_id INTEGER NOT NULL REFERENCES products(id), customer_id INTEGER NOT NULL REFERENCES customers(id), stars INTEGER NOT NULL,
  day TEXT NOT NULL);
"""
FIRST = "Ada Bo Cleo Dan Eva Finn Gita Hugo Ines Jonas Kira Leon Mona Nils Olga Pavel Rosa Sven Tara Uwe Vera Wim Yara Zoe".split()
LAST = "Berg Costa Dahl Engel Fischer Garcia Holm Ivanova Jensen Keller Lindt Moreau Novak Olsen Perez Quist Rossi Silva Thorne Vogel".split()
PLACES = [("Berlin", "Germany"), ("Hamburg", "Germany"), ("Munich", "Germany"), ("Paris", "France"), ("Lyon", "France"), ("Madrid", "Spain"),
          ("Rome", "Italy"), ("Milan", "Italy"), ("Oslo", "Norway"), ("Vienna", "Austria")]
PRODUCTS = {"Garden": ["Watering Can", "Rake", "Garden Hose", "Flower Pot", "Wheelbarrow"], "Kitchen": ["Chef's Knife", "Frying Pan", "Kettle", "Toaster", "Mixing Bowl"],
            "Office": ["Desk Lamp", "Notebook", "Fountain Pen", "Office Chair", "Stapler"], "Toys": ["Puzzle", "Kite", "Wooden Train", "Board Game", "Yo-Yo"],
            "Sports": ["Football", "Yoga Mat", "Jump Rope", "Tennis Racket", "Water Bottle"]}
STATUSES = ["delivered"] * 14 + ["shipped"] * 3 + ["cancelled"] * 2 + ["returned"]


def rows(seed):
    chance = random.Random(seed)
    begin = datetime.date(2025, 1, 1)
    day = lambda: (begin + datetime.timedelta(days=chance.randrange(365))).isoformat()
    customers = []
    for number in range(1, 121):
        city, country = chance.choice(PLACES)
        customers.append((number, f"{FIRST[number % len(FIRST)]} {LAST[number % len(LAST)]}", city, country, day()))
    products, number = [], 0
    for category, names in PRODUCTS.items():
        for name in names:
            number += 1
            products.append((number, name, category, round(chance.uniform(3, 180), 2), chance.randrange(0, 200)))
    orders, items = [], []
    for order in range(1, 901):
        orders.append((order, chance.randrange(1, 121), day(), chance.choice(STATUSES)))
        for product in chance.sample(products, chance.randrange(1, 5)):
            items.append((order, product[0], chance.randrange(1, 4), product[3]))
    reviews = [(chance.randrange(1, 26), chance.randrange(1, 121), chance.choice([1, 2, 3, 4, 4, 5, 5]), day()) for _ in range(300)]
    return customers, products, orders, items, reviews


def make(path, seed=7):
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as database:
        database.executescript(TABLES)
        for table, all_rows in zip(("customers", "products", "orders", "order_items", "reviews"), rows(seed)):
            database.executemany(f"INSERT INTO {table} VALUES({', '.join('?' * len(all_rows[0]))})", all_rows)
    database.close()
    path.chmod(0o644)


def entry(folder):
    return {"name": "shop", "path": str(folder / "shop.db"), "examples": str(folder / "shop-known.json"),
            "about": "A web shop in 2025. An order has items; its revenue is the sum of quantity * price of its items. Cancelled and returned orders earn nothing. "
                     "day is a text like '2025-03-01'."}


def load(folder, seed=7):
    folder.mkdir(parents=True, exist_ok=True)
    make(folder / "shop.db", seed)
    (folder / "shop-known.json").write_text((HERE / "known.json").read_text())
    (folder / "shop-known.json").chmod(0o644)
    tools = folder / "tools.json"
    if not tools.exists():
        tools.write_text(json.dumps({"databases": [entry(folder)]}, indent=2) + "\n")
        tools.chmod(0o644)
        return True
    return "shop" in [one.get("name") for one in json.loads(tools.read_text()).get("databases", [])]


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=pathlib.Path)
    options.add_argument("--seed", type=int, default=7)
    given = options.parse_args()
    folder = given.folder.resolve()
    if load(folder, given.seed):
        print(f"{folder / 'shop.db'} is there, and {folder / 'tools.json'} names it. Start strata (again) with --data {folder}.")
    else:
        print(f"{folder / 'shop.db'} is there. Add this to \"databases\" in {folder / 'tools.json'}:\n{json.dumps(entry(folder), indent=2)}")
