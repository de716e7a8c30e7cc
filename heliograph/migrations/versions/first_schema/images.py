"""Live pictures, looks at them, and votes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def _images() -> None:
    op.create_table(
        "images",
        sa.Column("id", sa.String(length=25), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("published", sa.BigInteger(), nullable=False),
        sa.Column("archived", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
    )
    op.create_index(op.f("ix_images_account"), "images", ["account"])


def _image_views() -> None:
    op.create_table(
        "image_views",
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_image_views")),
        sqlite_with_rowid=False,
    )


def _image_counts() -> None:
    op.create_table(
        "image_counts",
        sa.Column("image", sa.String(length=25), nullable=False),
        sa.Column("variant", sa.String(), nullable=False),
        sa.Column("reader", sa.String(), nullable=False),
        sa.Column("views", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("image", "variant", "reader", name=op.f("pk_image_counts")),
        sqlite_with_rowid=False,
    )


def _votes() -> None:
    op.create_table(
        "votes",
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("image", sa.String(length=25), nullable=False),
        sa.Column("option", sa.Integer(), nullable=False),
        sa.Column("voter", sa.String(), nullable=False),
        sa.Column("visitor", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("machine", sa.Boolean(), nullable=False),
        sa.Column("rushed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_votes")),
    )
    op.create_index("ix_votes_voter", "votes", ["image", "voter", "at"])
    op.create_index("ix_votes_visitor", "votes", ["image", "visitor", "at"])


def _ballots() -> None:
    op.create_table(
        "ballots",
        sa.Column("image", sa.String(length=25), nullable=False),
        sa.Column("voter", sa.String(), nullable=False),
        sa.Column("option", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("image", "voter", name=op.f("pk_ballots")),
    )


def _vote_tallies() -> None:
    op.create_table(
        "vote_tallies",
        sa.Column("image", sa.String(length=25), nullable=False),
        sa.Column("option", sa.Integer(), nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.Column("votes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("image", "option", name=op.f("pk_vote_tallies")),
        sqlite_with_rowid=False,
    )


TABLES = (
    _images,
    _image_views,
    _image_counts,
    _votes,
    _ballots,
    _vote_tallies,
)
