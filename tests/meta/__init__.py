"""The tests of the suite itself: does it fail when it must?"""
