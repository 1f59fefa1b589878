"""Read: files and named public sets become texts with labels; audit them; split them."""
